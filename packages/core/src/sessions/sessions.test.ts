import { describe, expect, it } from 'vitest'
import { createFakeStore, start } from '../../test/fakes/context.ts'
import type { FakeStore } from '../../test/fakes/context.ts'
import type { SessionEvent } from '../events.ts'
import { lookEvery } from '../loop-stopwatch.ts'
import { memoryStore } from '../store/memory-store.ts'
import type { SessionsOptions } from '../settings/options.ts'
import { createSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'

const down = (): Promise<never> => Promise.reject(new Error('connection refused'))

describe('handle', () => {
  it('throws on what the handler threw, also when the logout that it asked for is not confirmed', async () => {
    const store = memoryStore()
    const sessions = createSessions({
      store,
      unavailable: 'throw',
      testing: { wait: async () => {} },
    })
    const { session, commit } = await sessions.open(null)
    session.data['n'] = 1
    const { cookie } = await commit()
    store.delete = down
    const request = new Request('https://app.example/', {
      headers: { Cookie: `${cookie?.name}=${cookie?.value}` },
    })
    const thrown = new Error('of the app')
    const answer = sessions.handle(request, (opened) => {
      opened.destroy()
      throw thrown
    })
    await expect(answer).rejects.toBe(thrown)
  })
})

describe('open', () => {
  it('says what it wants when it is given a request of node:http', async () => {
    const sessions = createSessions({ store: memoryStore() })
    const request = { headers: { cookie: 'sid=x' } } as unknown as Request
    await expect(sessions.open(request)).rejects.toThrow(
      'give a Request, or the value of its Cookie header',
    )
  })

  it('takes a Request, its Cookie header, and none', async () => {
    const sessions = createSessions({ store: memoryStore() })
    for (const source of [new Request('https://app.example/'), 'a=b', '', null, undefined]) {
      expect((await sessions.open(source)).session.state).toBe('new')
    }
  })
})

describe('destroy', () => {
  interface Setup {
    readonly sessions: Sessions<Record<string, unknown>>
    readonly store: FakeStore
    readonly events: SessionEvent[]
    /** The Cookie header of a session in the store. */
    readonly header: string
  }

  async function setUp(options: Partial<SessionsOptions<Record<string, unknown>>>): Promise<Setup> {
    const now = (): number => start
    const store = createFakeStore(now)
    const events: SessionEvent[] = []
    const sessions: Setup['sessions'] = createSessions({
      store,
      onEvent: (event) => void events.push(event),
      testing: { now, wait: () => new Promise(() => {}) },
      ...options,
    })
    const { session, commit } = await sessions.open(null)
    session.data['n'] = 1
    const { cookie } = await commit()
    store.log.length = 0
    events.length = 0
    return { sessions, store, events, header: `${cookie?.name}=${cookie?.value}` }
  }

  it('rule 6: ends a session in two commands, and deletes the cookie', async () => {
    const { sessions, store, events, header } = await setUp({})
    const committed = await sessions.destroy(header)
    expect(committed).toMatchObject({
      outcome: 'destroyed',
      failure: null,
      cacheControl: 'private, no-store',
    })
    expect(committed.cookie?.header).toContain('Max-Age=0')
    expect(store.log.map(([command]) => command)).toEqual(['load', 'delete'])
    const [[, id]] = store.log as [[string, string]]
    expect(events).toEqual([
      { type: 'commit', idPrefix: id.slice(0, 8), outcome: 'destroyed', tries: 1 },
    ])
    expect((await sessions.open(header)).session.state).toBe('new')
  })

  it('takes as many where tokens rotate', async () => {
    const { sessions, store, header } = await setUp({ lifetime: { rotate: 60 } })
    expect(await sessions.destroy(header)).toMatchObject({ outcome: 'destroyed' })
    expect(store.log.map(([command]) => command)).toEqual(['load', 'delete'])
  })

  it('S17: makes no trip without a token, and sets no cookie', async () => {
    const { sessions, store, events, header } = await setUp({})
    const [name] = header.split('=')
    for (const source of [null, '', `${name}=x`]) {
      expect(await sessions.destroy(source)).toMatchObject({
        outcome: 'unchanged',
        failure: null,
        cookie: null,
        cacheControl: 'private',
      })
    }
    expect(store.log).toEqual([])
    expect(events).toEqual([{ type: 'token.malformed' }])
  })

  it('S70: leaves the cookie alone of a session that has ended before', async () => {
    const { sessions, header } = await setUp({})
    await sessions.destroy(header)
    expect(await sessions.destroy(header)).toMatchObject({
      outcome: 'gone',
      failure: null,
      cookie: null,
    })
  })

  it('T7: is unconfirmed in an outage, keeps the cookie, and refuses the session here', async () => {
    const { sessions, store, header } = await setUp({})
    store.down = true
    expect(await sessions.destroy(header)).toMatchObject({
      outcome: 'unconfirmed',
      failure: { asked: 'sign-out' },
      cookie: null,
    })
    store.down = false
    expect((await sessions.open(header)).session.state).toBe('new')
    const { session, commit } = await sessions.open(header)
    session.destroy()
    expect(await commit()).toMatchObject({ outcome: 'destroyed' })
  })

  it('S37: rejects in an outage with the option', async () => {
    const { sessions, store, header } = await setUp({ unavailable: 'throw' })
    store.down = true
    await expect(sessions.destroy(header)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('S20: cannot confirm the end over plain http, and sends nothing', async () => {
    const environment = process.env['NODE_ENV']
    process.env['NODE_ENV'] = 'production'
    try {
      const { sessions, store, events, header } = await setUp({
        cookie: { secure: 'per-request' },
      })
      expect(await sessions.destroy(header, { secure: false })).toMatchObject({
        outcome: 'unconfirmed',
        failure: { asked: 'sign-out' },
        cookie: null,
      })
      expect(store.log).toEqual([])
      expect(events).toEqual([
        { type: 'request.insecure' },
        { type: 'commit', idPrefix: null, outcome: 'unconfirmed', tries: 0 },
      ])
      expect(await sessions.destroy(header, { secure: true })).toMatchObject({
        outcome: 'destroyed',
      })
    } finally {
      if (environment === undefined) delete process.env['NODE_ENV']
      else process.env['NODE_ENV'] = environment
    }
  })
})

describe('the parts of createSessions', () => {
  it('are one: what a commit does not confirm, a load refuses', async () => {
    const store = createFakeStore(() => start)
    const sessions = createSessions({
      store,
      testing: { now: () => start, wait: () => new Promise(() => {}) },
    })
    const first = await sessions.open(null)
    ;(first.session.data as Record<string, unknown>)['n'] = 1
    const { cookie } = await first.commit()
    const header = `${cookie?.name}=${cookie?.value}`
    const { session, commit } = await sessions.open(header)
    session.destroy()
    store.down = true
    expect(await commit()).toMatchObject({ outcome: 'unconfirmed' })
    store.down = false
    store.log.length = 0
    expect((await sessions.open(header)).session.state).toBe('new')
    expect(store.log).toEqual([])
  })

  it('wait between tries for a time that chance gives, by the wait of the options', async () => {
    const waits: number[] = []
    const store = createFakeStore(() => start)
    const sessions = createSessions({
      store,
      testing: {
        now: () => start,
        random: (bytes) => (bytes.length === 4 ? bytes.fill(0x80) : crypto.getRandomValues(bytes)),
        async wait(milliseconds) {
          if (milliseconds !== lookEvery) waits.push(milliseconds)
        },
      },
    })
    const first = await sessions.open(null)
    const data = first.session.data as Record<string, unknown>
    data['n'] = 1
    const { cookie } = await first.commit()
    const { session, commit } = await sessions.open(`${cookie?.name}=${cookie?.value}`)
    ;(session.data as Record<string, unknown>)['n'] = 2
    const conflict = (): Promise<unknown> => Promise.resolve('conflict')
    store.fail('save', conflict, conflict, conflict)
    expect(await commit()).toMatchObject({ outcome: 'saved' })
    const chance = 0x80808080 / 2 ** 32
    expect(waits).toEqual([2 * chance, 4 * chance, 8 * chance])
  })
})
