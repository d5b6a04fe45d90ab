import { describe, expect, it } from 'vitest'
import { BoundBrowser } from '../../test/fakes/bound-browser.ts'
import { createDevice } from '../../test/fakes/software-device.ts'
import { deviceBound } from '../device/device-options.ts'
import type { DeviceBoundOptions } from '../device/device-options.ts'
import type { SessionEvent } from '../events.ts'
import type { Session } from '../session/session.ts'
import type { SessionsOptions } from '../settings/options.ts'
import { memoryStore } from '../store/memory-store.ts'
import type { SessionStore } from '../store/store.ts'
import { createSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'

interface SetUp {
  readonly sessions: Sessions<object>
  readonly browser: BoundBrowser
  readonly events: SessionEvent[]
  readonly pass: (seconds: number) => void
  /** How often each operation of the store was called. */
  readonly counts: Record<'load' | 'create' | 'save' | 'delete', number>
  /** Another process, with other options. */
  readonly more: (options: object) => Sessions<object>
  /** The store does not answer while it is set. */
  readonly outage: { isOn: boolean }
  /** Comes between the load and the save of another request, once. */
  readonly beforeSave: { run: (() => Promise<void>) | null }
}

function setUp(
  options: DeviceBoundOptions = {},
  more: Partial<SessionsOptions<object>> = {},
): SetUp {
  let clock = 1_700_000_000_000
  const now = (): number => clock
  const events: SessionEvent[] = []
  const counts = { load: 0, create: 0, save: 0, delete: 0 }
  const outage = { isOn: false }
  const beforeSave: SetUp['beforeSave'] = { run: null }
  const store = memoryStore({ now })
  const counted = <name extends keyof typeof counts>(name: name): SessionStore[name] =>
    (async (...given: unknown[]) => {
      counts[name]++
      const { run } = beforeSave
      if (name === 'save' && run !== null) {
        beforeSave.run = null
        await run()
      }
      if (outage.isOn) throw new Error('the store is away')
      return (store[name] as (...all: unknown[]) => unknown)(...given)
    }) as unknown as SessionStore[name]
  const given = {
    store: {
      ...store,
      load: counted('load'),
      create: counted('create'),
      save: counted('save'),
      delete: counted('delete'),
    },
    namespace: 'bound',
    deviceBound: deviceBound({ mode: 'require', ...options }),
    onEvent: (event: SessionEvent) => void events.push(event),
    testing: { now, wait: async () => {} },
    ...more,
  }
  const sessions = createSessions(given) as Sessions<object>
  const browser = new BoundBrowser(sessions)
  const pass = (seconds: number): void => void (clock += seconds * 1000)
  return {
    sessions,
    browser,
    events,
    pass,
    counts,
    outage,
    beforeSave,
    more: (others) => createSessions({ ...given, ...others } as never) as Sessions<object>,
  }
}

const standing = (browser: BoundBrowser): Promise<string> =>
  browser.visit(({ state, device, subject }) => `${state} ${device} ${subject}`)

/** Changes nothing: the versions differ by their number. */
const up = (data: object): object => data

const boundName = '__Host-sid-bound'

describe('binding a session to a device', () => {
  it('offers to bind at a sign-in, and only there', async () => {
    const { browser } = setUp()
    await browser.visit((session) => void Object.assign(session.data, { cart: 1 }))
    expect(browser.offer).toBeNull()
    expect(await standing(browser)).toBe('live unbound null')
    await browser.signIn()
    expect(browser.offer).toMatch(
      /^\(ES256 RS256\);path="\/device-bound\/register";challenge="[\w.-]+"$/,
    )
    browser.offer = null
    expect(await standing(browser)).toBe('live pending ada')
    await browser.visit((session) => session.renew())
    expect(browser.offer).toBeNull()
  })

  it('is pending until the first proof, which gives the bound cookie; the registration takes one of before', async () => {
    const { browser, events } = setUp()
    await browser.signIn()
    const registered = await browser.register()
    expect(registered.headers.getSetCookie()).toEqual([
      '__Host-sid-bound=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0',
    ])
    expect(await registered.json()).toEqual({
      session_identifier: browser.sessionId,
      refresh_url: '/device-bound/refresh',
      scope: { include_site: false },
      credentials: [
        {
          type: 'cookie',
          name: boundName,
          attributes: 'Path=/; HttpOnly; Secure; SameSite=Lax',
        },
      ],
    })
    expect(await standing(browser)).toBe('live pending ada')
    const refreshed = await browser.refresh()
    expect(refreshed.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-sid-bound=[\w.-]+; Path=\/; HttpOnly; Secure; SameSite=Lax; Max-Age=540$/,
      ),
    ])
    expect(await standing(browser)).toBe('live bound ada')
    expect(events.filter(({ type }) => type === 'device.bound')).toHaveLength(1)
  })

  it.each(['signs in again', 'signs out, then in', 'is ended by the app, then signs in'])(
    'a browser that is bound and %s proves its new key at once',
    async (how) => {
      const { browser, sessions, pass } = setUp()
      await browser.bind()
      pass(5)
      if (how.includes('out')) await browser.visit((session) => session.destroy())
      if (how.includes('ended')) {
        browser.keep((await sessions.destroy(browser.request('/'))).applyTo(new Response()))
      }
      expect(browser.cookies.has(boundName)).toBe(how === 'signs in again')
      await browser.bind('bea')
      expect(await standing(browser)).toBe('live bound bea')
    },
  )

  it('after a sign-out the browser misses the bound cookie, asks, and is told to forget its key', async () => {
    const { browser } = setUp()
    await browser.bind()
    await browser.visit((session) => session.destroy())
    expect([...browser.cookies]).toEqual([])
    await browser.refreshIfDue()
    expect(browser.boundCookie).toBeNull()
  })

  it('binds with RS256 as well', async () => {
    const { browser } = setUp()
    browser.device = createDevice('RS256')
    await browser.bind()
    expect(await standing(browser)).toBe('live bound ada')
  })

  it('a browser that ignores the offer goes on as before, and is unbound after five minutes', async () => {
    const { browser, pass } = setUp()
    await browser.signIn()
    expect(await standing(browser)).toBe('live pending ada')
    pass(301)
    expect(await standing(browser)).toBe('live unbound ada')
    await browser.visit((session) => void Object.assign(session.data, { cart: 1 }))
    expect(await browser.visit(({ data }) => data)).toEqual({ cart: 1 })
  })

  it('a session whose registration was answered and never proved is let in', async () => {
    const { browser, pass } = setUp()
    await browser.signIn()
    await browser.register()
    pass(3000)
    expect(await standing(browser)).toBe('live pending ada')
  })

  it('refuses a bound session without a fresh proof, and has it back with one', async () => {
    const { browser, pass, events } = setUp()
    await browser.bind()
    pass(599)
    expect(await standing(browser)).toBe('live bound ada')
    pass(1)
    expect(await standing(browser)).toBe('unproven stale null')
    expect(events.at(-1)).toEqual({
      type: 'device.stale',
      idPrefix: expect.any(String),
      skipped: null,
    })
    expect((await browser.refresh()).status).toBe(200)
    expect(await standing(browser)).toBe('live bound ada')
  })

  it('reports why a browser says that it skipped the proof', async () => {
    const { browser, sessions, events } = setUp()
    await browser.bind()
    browser.cookies.delete(boundName)
    for (const [said, skipped] of [
      ['quota_exceeded;session_identifier="x"', 'quota_exceeded'],
      ['server_error', 'server_error'],
      ['unreachable', 'unreachable'],
      ['anything', null],
    ] as const) {
      const request = browser.request('/', { 'Secure-Session-Skipped': said })
      await sessions.open(request)
      expect(events.at(-1)).toMatchObject({ type: 'device.stale', skipped })
    }
  })

  it('knows a session by its Cookie header alone', async () => {
    const { browser, sessions } = setUp()
    await browser.bind()
    const cookies = browser.request('/').headers.get('Cookie') as string
    expect((await sessions.open(cookies)).session.device).toBe('bound')
    const [sid] = cookies.split('; ') as [string]
    expect((await sessions.open(sid)).session.device).toBe('stale')
  })

  it('answers nothing else, and nothing without the option', async () => {
    const { sessions } = setUp()
    const other = new Request('https://app.example/device-bound/else', { method: 'POST' })
    expect(await sessions.deviceBinding(other)).toBeNull()
    const plain = createSessions({ store: memoryStore() })
    const refresh = new Request('https://app.example/device-bound/refresh', { method: 'POST' })
    expect(await plain.deviceBinding(refresh)).toBeNull()
  })
})

describe('a stolen cookie', () => {
  it('works no longer than the bound cookie that was stolen with it', async () => {
    const { browser, pass } = setUp()
    await browser.bind()
    const thief = browser.steal()
    expect(await standing(thief)).toBe('live bound ada')
    pass(600)
    expect(await standing(thief)).toBe('unproven stale null')
    await browser.refresh()
    expect(await standing(browser)).toBe('live bound ada')
    expect(await standing(thief)).toBe('unproven stale null')
  })

  it('gets no fresh bound cookie: neither with a key of its own, nor with the proof of another request', async () => {
    const { browser, pass } = setUp()
    await browser.bind()
    const thief = browser.steal()
    const used = browser.device.prove(browser.challenge as string)
    await browser.refreshWith(used)
    pass(600)
    expect((await thief.refresh()).status).toBe(400)
    const replayed = await thief.refreshWith(used)
    expect([replayed.status, await replayed.text()]).toEqual([
      403,
      'Device binding refused: challenge-used\n',
    ])
    thief.offer = browser.offer
    const again = await thief.register()
    expect([again.status, await again.text()]).toEqual([
      403,
      'Device binding refused: already-registered\n',
    ])
    expect(thief.cookies.get(boundName)).toBeDefined()
    expect(await standing(thief)).toBe('unproven stale null')
  })

  it('is not told the token of a rotation, moves nothing and writes nothing', async () => {
    const { browser, pass, counts } = setUp({}, { lifetime: { rotate: 60 } })
    await browser.bind()
    const thief = browser.steal()
    pass(600)
    const before = { ...counts }
    expect(await standing(thief)).toBe('unproven stale null')
    const outcome = await thief.visit((session) => {
      Object.assign(session.data, { planted: true })
      return session.state
    })
    expect(outcome).toBe('unproven')
    expect(thief.cookies.get('__Host-Http-sid')).toBe(browser.cookies.get('__Host-Http-sid'))
    expect({ ...counts, load: 0 }).toEqual({ ...before, load: 0 })
    await browser.refresh()
    expect(await browser.visit(({ data }) => data)).toEqual({})
    expect(await standing(thief)).toBe('unproven stale null')
  })

  it('cannot register in place of a browser that has not: it does not know the challenge', async () => {
    const { browser } = setUp()
    await browser.signIn()
    const thief = browser.steal()
    const refused = await thief.register()
    expect(await refused.text()).toContain('challenge-foreign')
    expect((await browser.register()).status).toBe(200)
  })

  it('is signed out by revoking, as any session', async () => {
    const { browser, sessions, pass } = setUp()
    await browser.bind()
    const thief = browser.steal()
    await sessions.revoke('ada')
    expect(await standing(thief)).toBe('new unbound null')
    pass(1)
    expect(await standing(browser)).toBe('new unbound null')
  })
})

describe('what a session without a proof gets', () => {
  it('in the mode observe: everything, and an event', async () => {
    const { browser, pass, events } = setUp({ mode: 'observe' })
    await browser.bind()
    pass(600)
    expect(await standing(browser)).toBe('live stale ada')
    await browser.visit((session) => session.requireBound())
    expect(events.filter(({ type }) => type === 'device.stale')).toHaveLength(2)
  })

  it('in the mode prefer: everything but what requireBound guards', async () => {
    const { browser, pass } = setUp({ mode: 'prefer' })
    const guarded = (orFresh?: number): Promise<unknown> =>
      browser.visit((session) => {
        try {
          session.requireBound(orFresh === undefined ? {} : { orFresh })
          return 'passed'
        } catch (error) {
          return (error as { code: string }).code
        }
      })
    await browser.signIn()
    expect([await guarded(), await guarded(60)]).toEqual(['not-bound', 'passed'])
    pass(61)
    expect([await guarded(), await guarded(60)]).toEqual(['not-bound', 'not-fresh'])
    await browser.bind()
    expect([await guarded(), await guarded(0)]).toEqual(['passed', 'passed'])
    pass(600)
    expect(await standing(browser)).toBe('live stale ada')
    // A session that is bound never passes by its age: that is what a thief has.
    expect([await guarded(), await guarded(86_400)]).toEqual(['not-bound', 'not-bound'])
  })

  it('in the mode require: it signs in and out, changes nothing, and gives no token for a form', async () => {
    const { browser, pass, sessions } = setUp()
    await browser.bind()
    pass(600)
    const { session, commit } = await sessions.open(browser.request('/'))
    expect([session.state, session.id, session.subject, session.ref]).toEqual([
      'unproven',
      null,
      null,
      null,
    ])
    await expect(session.csrfToken()).rejects.toMatchObject({ code: 'not-bound', status: 403 })
    Object.assign(session.data, { lost: true })
    const { outcome, failure, cookie } = await commit()
    expect([outcome, failure, cookie]).toEqual([
      'unproven',
      { outcome: 'unproven', asked: 'change' },
      null,
    ])
    const other = browser.steal()
    await other.visit((visited) => visited.signIn('eve'))
    expect(await standing(other)).toBe('live pending eve')
    await browser.refresh()
    expect(await standing(browser)).toBe('live bound ada')
    pass(600)
    await browser.visit((visited) => visited.destroy())
    expect(await standing(browser)).toBe('new unbound null')
  })

  it('signIn can leave it out, and says so if the app has not set it up', async () => {
    const { browser } = setUp()
    await browser.visit((session) => session.signIn('ada', { deviceBound: false }))
    expect(browser.offer).toBeNull()
    expect(await standing(browser)).toBe('live unbound ada')
    const plain = createSessions({ store: memoryStore() })
    const { session } = await plain.open(null)
    expect(() => session.signIn('ada', { deviceBound: true })).toThrow(
      'session.signIn: deviceBound needs the option deviceBound of createSessions',
    )
  })
})

describe('together with the rest', () => {
  it('a rotation and a renewal keep the device, and its bound cookie', async () => {
    const { browser, pass } = setUp({}, { lifetime: { rotate: 60 } })
    await browser.bind()
    const first = browser.cookies.get('__Host-Http-sid')
    pass(61)
    await standing(browser)
    const second = browser.cookies.get('__Host-Http-sid')
    expect(second).not.toBe(first)
    await browser.visit((session) => session.renew())
    expect(browser.cookies.get('__Host-Http-sid')).not.toBe(second)
    expect(await standing(browser)).toBe('live bound ada')
    pass(600)
    expect((await browser.refresh()).status).toBe(200)
    expect(await standing(browser)).toBe('live bound ada')
  })

  it('a refresh under the token that a rotation replaced proves the session where it is now', async () => {
    const { browser, pass } = setUp({}, { lifetime: { rotate: 60 } })
    await browser.bind()
    const old = browser.cookies.get('__Host-Http-sid') as string
    pass(61)
    await standing(browser)
    const now = browser.cookies.get('__Host-Http-sid') as string
    browser.cookies.set('__Host-Http-sid', old)
    expect((await browser.refresh()).status).toBe(200)
    browser.cookies.set('__Host-Http-sid', now)
    pass(590)
    expect(await standing(browser)).toBe('live bound ada')
  })

  it('another sign-in ends the tie of the one before: who knew that session chose no device for this one', async () => {
    const { browser, pass } = setUp()
    await browser.bind('ada')
    const before = browser.steal()
    before.device = browser.device
    await browser.signIn('bea')
    expect(await standing(browser)).toBe('live pending bea')
    const ended = await browser.refresh()
    expect([ended.status, await ended.json()]).toEqual([200, { continue: false }])
    await browser.register()
    await browser.refresh()
    expect(await standing(browser)).toBe('live bound bea')
    // The mark of the sign-in leads on for a minute: until then nothing is said of the session.
    expect((await before.refresh()).status).toBe(503)
    pass(60)
    expect(await (await before.refresh()).json()).toEqual({ continue: false })
  })

  it('after a sign-out the browser is told to forget its key', async () => {
    const { browser } = setUp()
    await browser.bind()
    const jar = browser.steal()
    await browser.visit((session) => session.destroy())
    expect(await (await browser.refresh()).json()).toEqual({ continue: false })
    expect(await (await jar.refresh()).json()).toEqual({ continue: false })
  })

  it('lists which sessions are bound', async () => {
    const { browser, sessions } = setUp()
    await browser.bind()
    const other = new BoundBrowser(sessions)
    await other.signIn()
    const bound = (await sessions.list('ada')).map(({ isBound }) => isBound)
    expect(bound.toSorted((left, right) => Number(left) - Number(right))).toEqual([false, true])
  })

  it('of refreshes at the same time with one challenge one is done, and the others get another challenge', async () => {
    const { browser } = setUp()
    await browser.bind()
    const proof = browser.device.prove(browser.challenge as string)
    const answers = await Promise.all(Array.from({ length: 8 }, () => browser.refreshWith(proof)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200, 403, 403, 403, 403, 403, 403, 403,
    ])
    expect((await browser.refresh()).status).toBe(200)
  })

  it('a refresh beside saves, rotations and renewals loses nothing', async () => {
    const { browser, pass } = setUp({}, { lifetime: { rotate: 60 } })
    await browser.bind()
    pass(61)
    await Promise.all([
      browser.refresh(),
      ...Array.from({ length: 6 }, (_, at) =>
        browser.visit((session) => void Object.assign(session.data, { [`key${at}`]: at })),
      ),
    ])
    const data = await browser.visit((session) => ({ ...session.data }))
    expect(Object.keys(data)).toHaveLength(6)
    expect(await standing(browser)).toBe('live bound ada')
  })

  it('an outage during a refresh is 503, and the next refresh is done', async () => {
    const { browser, outage, pass, events } = setUp()
    await browser.bind()
    pass(600)
    outage.isOn = true
    const refused = await browser.refresh()
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '1'])
    expect(events.at(-1)).toMatchObject({ type: 'device.refused', reason: 'unavailable' })
    expect(await standing(browser)).toBe('unavailable unbound null')
    outage.isOn = false
    expect((await browser.refresh()).status).toBe(200)
    expect(await standing(browser)).toBe('live bound ada')
  })

  it('a refresh whose answer was lost is repeated with another challenge', async () => {
    const { browser, pass } = setUp()
    await browser.bind()
    const { challenge } = browser
    pass(600)
    const lost = new BoundBrowser(browser.sessions)
    for (const [name, value] of browser.cookies) lost.cookies.set(name, value)
    lost.sessionId = browser.sessionId
    expect((await lost.refreshWith(browser.device.prove(challenge as string))).status).toBe(200)
    expect(browser.challenge).toBe(challenge)
    expect((await browser.refresh()).status).toBe(200)
    expect(await standing(browser)).toBe('live bound ada')
  })

  it('a session with no room for a key stays as it is', async () => {
    const { browser } = setUp({}, { maxBytes: 400 })
    await browser.signIn()
    await browser.visit((session) => void Object.assign(session.data, { a: 'x'.repeat(40) }))
    expect((await browser.register()).status).toBe(503)
    expect(await standing(browser)).toBe('live pending ada')
  })

  it('a process whose schema refuses the data does not end the tie of a session that lives on elsewhere', async () => {
    const { sessions: newer, browser, more } = setUp()
    const older = more({
      schema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value: unknown) =>
            (value as { a?: unknown }).a === undefined
              ? { value }
              : { issues: [{ message: 'no' }] },
        },
      },
    })
    await browser.bind()
    await browser.visit((session) => void Object.assign(session.data, { a: 1 }))
    browser.cookies.delete(boundName)
    browser.sessions = older
    await browser.refreshIfDue()
    browser.sessions = newer
    await browser.refreshIfDue()
    expect(await standing(browser)).toBe('live bound ada')
  })

  it('data that a late save brings is saved, whatever the bound cookie has become meanwhile', async () => {
    for (const mode of ['observe', 'prefer', 'require'] as const) {
      for (const later of ['rotated', 'a proof later', 'signed in again'] as const) {
        const rotates = later === 'rotated' ? { lifetime: { rotate: 60 } } : {}
        const { browser, sessions, pass, events } = setUp({ mode }, rotates)
        await browser.bind()
        pass(later === 'rotated' ? 61 : 1)
        const lazy = sessions.lazy(browser.request('/'))
        const session = await lazy.get()
        if (later === 'signed in again') session.signIn('ada')
        browser.keep(await lazy.answer(new Response()))
        if (later === 'signed in again') {
          await browser.register()
          await browser.refreshIfDue()
        }
        if (later === 'a proof later') pass(600)
        const change = (data: object): void => void Object.assign(data, { late: true })
        expect(await lazy.saveLate(change)).toBe('saved')
        expect(events.filter(({ type }) => type === 'device.stale')).toEqual([])
        await browser.refresh()
        expect(await browser.visit(({ data }) => data)).toEqual({ late: true })
      }
    }
  })

  it('a late save of a request without a proof is refused, also if the store was away at first', async () => {
    const { browser, sessions, pass, outage } = setUp()
    await browser.bind()
    pass(600)
    const change = (data: object): void => void Object.assign(data, { planted: true })
    for (const isOut of [false, true]) {
      const lazy = sessions.lazy(browser.request('/'))
      outage.isOn = isOut
      await lazy.get()
      await lazy.end()
      outage.isOn = false
      expect(await lazy.saveLate(change)).toBe('unproven')
    }
    await browser.refresh()
    expect(await browser.visit(({ data }) => data)).toEqual({})
  })

  it('a refresh that a process of another version overtakes is 503, and ends no tie', async () => {
    const { browser, pass, more, beforeSave } = setUp({}, { migrate: { version: 1, reads: 2, up } })
    await browser.bind()
    await browser.visit((session) => void Object.assign(session.data, { a: 1 }))
    pass(600)
    const newer = browser.steal()
    newer.sessions = more({ migrate: { version: 2, up }, deviceBound: deviceBound() })
    beforeSave.run = () => newer.visit((session) => void Object.assign(session.data, { b: 2 }))
    browser.cookies.delete(boundName)
    expect((await browser.refresh()).status).toBe(503)
    await browser.refreshIfDue()
    expect(await standing(browser)).toBe('live bound ada')
    expect(await browser.visit(({ data }) => data)).toEqual({ a: 1, b: 2 })
  })

  it('clock skew: a server that is a minute ahead refuses no cookie that the browser still has', async () => {
    for (const lifetime of [300, 600, 3600]) {
      const { browser, pass } = setUp({ lifetime })
      await browser.bind()
      pass(browser.boundAge + 59)
      expect(await standing(browser)).toBe('live bound ada')
    }
  })

  it('clock skew: a server that is minutes ahead has the browser prove again, by taking the cookie that it refuses', async () => {
    for (const mode of ['observe', 'prefer', 'require'] as const) {
      const { browser, sessions, more, pass } = setUp({ mode })
      let passed = 0
      const now = (): number => 1_700_000_000_000 + 300_000 + passed
      const ahead = more({ testing: { now, wait: async () => {} } })
      const go = (seconds: number): void => {
        pass(seconds)
        passed += seconds * 1000
      }
      await browser.bind()
      go(320)
      browser.sessions = ahead
      expect(await standing(browser)).toBe(
        mode === 'require' ? 'unproven stale null' : 'live stale ada',
      )
      browser.sessions = sessions
      await browser.refreshIfDue()
      browser.sessions = ahead
      expect(await standing(browser)).toBe('live bound ada')
      expect(await standing(browser)).toBe('live bound ada')
    }
  })

  it('a bound cookie of another session is taken, so that the browser proves the key of this one', async () => {
    const { browser } = setUp()
    await browser.bind()
    const before = browser.cookies.get(boundName) as string
    await browser.signIn('bea')
    await browser.register()
    // The answer of a refresh that was under way.
    browser.cookies.set(boundName, before)
    const response = (await browser.sessions.open(browser.request('/'))).commit()
    expect((await response).cacheControl).toBe('private, no-store')
    expect(await standing(browser)).toBe('live pending bea')
    await browser.refreshIfDue()
    expect(await standing(browser)).toBe('live bound bea')
  })

  it('a bound cookie that counts is left alone, and so is one beside an offer that was not taken up yet', async () => {
    const { browser } = setUp()
    await browser.bind()
    await standing(browser)
    expect(browser.cookies.has(boundName)).toBe(true)
    await browser.signIn('bea')
    await standing(browser)
    expect(browser.cookies.has(boundName)).toBe(true)
  })

  it('the list hears of a binding whose first write was lost, with the next that tells it of a use', async () => {
    const { browser, sessions, pass, beforeSave, outage } = setUp()
    await browser.signIn()
    await browser.register()
    // The session's record is saved, and the list is not.
    beforeSave.run = async () => {
      beforeSave.run = async () => void (outage.isOn = true)
    }
    await browser.refreshIfDue()
    outage.isOn = false
    beforeSave.run = null
    expect((await sessions.list('ada')).map(({ isBound }) => isBound)).toEqual([false])
    pass(530)
    expect(await standing(browser)).toBe('live bound ada')
    pass(530)
    await browser.refresh()
    expect(await standing(browser)).toBe('live bound ada')
    expect((await sessions.list('ada')).map(({ isBound }) => isBound)).toEqual([true])
  })

  it('a session stays bound when the cookies get other names', async () => {
    const { browser, pass, more } = setUp()
    await browser.bind()
    const cookie = { name: '__Host-Http-app', former: [{ name: '__Host-Http-sid' }] }
    browser.sessions = more({ cookie })
    pass(599)
    expect(await standing(browser)).toBe('live bound ada')
    expect(await standing(browser)).toBe('live bound ada')
    pass(1)
    expect(await standing(browser)).toBe('unproven stale null')
    browser.cookies.delete(boundName)
    await browser.refreshIfDue()
    expect(browser.boundCookie).toBe('__Host-app-bound')
    expect(await standing(browser)).toBe('live bound ada')
    browser.cookies.set(boundName, 'of before')
    await browser.visit((session) => session.destroy())
    expect([...browser.cookies]).toEqual([])
  })

  it('costs a session that is not bound no command and no byte', async () => {
    const set = (a: number) => (session: Session<object>) => void Object.assign(session.data, { a })
    const acts: ((session: Session<object>) => void)[] = [
      () => {},
      set(1),
      () => {},
      set(2),
      ({ signIn }) => signIn('ada', { deviceBound: false }),
      () => {},
      set(3),
      ({ renew }) => renew(),
      ({ destroy }) => destroy(),
    ]
    const commands = async (option: object): Promise<readonly string[]> => {
      const said: string[] = []
      const now = (): number => 1_700_000_000_000
      const store = memoryStore({ now })
      const spied = (['load', 'create', 'save', 'delete'] as const).map((name) => [
        name,
        async (...given: unknown[]): Promise<unknown> => {
          const bytes = given.find((each) => each instanceof Uint8Array)
          said.push(`${name} ${bytes?.length ?? ''}`)
          return (store[name] as (...all: unknown[]) => unknown)(...given)
        },
      ])
      const sessions = createSessions({
        store: { ...store, ...Object.fromEntries(spied) } as SessionStore,
        namespace: 'n',
        testing: { now },
        ...option,
      }) as Sessions<object>
      const browser = new BoundBrowser(sessions)
      for (const act of acts) await browser.visit(act)
      return said
    }
    const without = await commands({})
    expect(await commands({ deviceBound: deviceBound() })).toEqual(without)
    expect(without.length).toBeGreaterThan(12)
    expect(without.filter((each) => /\d/.test(each)).length).toBeGreaterThan(5)
  })

  it('a read of a bound session is one load, a refresh one load and one save', async () => {
    const { browser, counts } = setUp()
    await browser.bind()
    const before = { ...counts }
    await standing(browser)
    // One is the subject's list, in the same trip.
    expect({ ...counts }).toEqual({ ...before, load: before.load + 2 })
    await browser.refresh()
    expect({ ...counts }).toEqual({ ...before, load: before.load + 4, save: before.save + 1 })
  })
})
