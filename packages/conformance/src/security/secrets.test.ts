import { createSessions } from '@coatcheck/core'
import type { SessionEvent, Sessions, SessionsOptions } from '@coatcheck/core'
import { afterEach, expect, it, vi } from 'vitest'
import { describeOnAll } from '../backends.ts'
import { createVisitor, increment } from '../visitor.ts'

type Data = Record<string, unknown>

const [oldest, older, newest] = ['oldest', 'older', 'newest'].map((word) =>
  `the ${word} secret, `.repeat(3).trim(),
) as [string, string, string]

afterEach(() => vi.unstubAllEnvs())

describeOnAll('secrets', (backend) => {
  const events: SessionEvent[] = []
  const withSecrets = (secrets: SessionsOptions<Data>['secrets'], more = {}): Sessions<Data> =>
    createSessions<Data>({
      store: backend.store,
      // They are one app, made again.
      namespace: 'default',
      testing: { now: backend.now },
      onEvent: (event) => events.push(event),
      ...(secrets === undefined ? {} : { secrets }),
      ...more,
    })
  const stateOf = async (sessions: Sessions<Data>, cookie: string): Promise<string> =>
    (await sessions.open(cookie)).session.state

  async function begin(sessions: Sessions<Data>): Promise<string> {
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    return visitor.cookie
  }

  it('S41: a session outlives a rotation of the secrets, and is sealed anew when it is next written', async () => {
    const cookie = await begin(withSecrets([oldest]))
    const between = withSecrets([older, oldest])
    expect(await stateOf(between, cookie)).toBe('live')
    expect(await stateOf(withSecrets([older]), cookie)).toBe('new')
    await createVisitor(between, cookie).visit(increment)
    expect(await stateOf(withSecrets([older]), cookie)).toBe('live')
    expect(await stateOf(withSecrets([newest, older]), cookie)).toBe('live')
    expect(await stateOf(withSecrets([oldest]), cookie)).toBe('new')
  })

  it('S41, T17, H1: a record sealed with an unknown secret is no session; it is reported, kept, and not replaced', async () => {
    const cookie = await begin(withSecrets([oldest]))
    const stranger = withSecrets([newest])
    events.length = 0
    const visitor = createVisitor(stranger, cookie)
    const answer = await visitor.visit(() => {})
    expect(answer).toMatchObject({ state: 'new', data: {}, setCookies: [] })
    expect(events).toEqual([
      expect.objectContaining({ type: 'record.unreadable', reason: 'unknown-secret' }),
    ])
    const { session, commit } = await stranger.open(cookie)
    session.data['counter'] = 5
    const { failure, cookie: told } = await commit()
    expect([failure, told]).toEqual([{ outcome: 'unavailable', asked: 'change' }, null])
    await visitor.visit(increment)
    expect(visitor.cookie).toBe(cookie)
    const { session: known } = await withSecrets([oldest]).open(cookie)
    expect([known.state, known.data]).toEqual(['live', { counter: 1 }])
  })

  it('H1: a sign-in beside such a record, or a renewal with a change, begins a session of its own', async () => {
    const stranger = withSecrets([newest])
    for (const act of ['signIn', 'renew'] as const) {
      const cookie = await begin(withSecrets([oldest]))
      const visitor = createVisitor(stranger, cookie)
      await visitor.visit((session) => {
        session.data['counter'] = 7
        if (act === 'signIn') session.signIn('ada')
        else session.renew()
      })
      expect(visitor.cookie).not.toBe(cookie)
      const { session } = await stranger.open(visitor.cookie)
      expect([session.state, session.data]).toEqual(['live', { counter: 7 }])
      expect(await stateOf(withSecrets([oldest]), cookie)).toBe('live')
    }
  })

  it('H1: a sign-out or a form token of such a record is not taken for done, and a renewal alone neither', async () => {
    const cookie = await begin(withSecrets([oldest]))
    for (const [act, asked] of [
      ['destroy', 'sign-out'],
      ['renew', 'renewal'],
    ] as const) {
      const { session, commit } = await withSecrets([newest]).open(cookie)
      session[act]()
      expect(await commit()).toMatchObject({ failure: { asked }, cookie: null })
    }
    const { session } = await withSecrets([newest]).open(cookie)
    await expect(session.csrfToken()).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    expect(await stateOf(withSecrets([oldest]), cookie)).toBe('live')
  })

  it('H1: a save that finds what another process has sealed with an unknown secret is not done', async () => {
    const cookie = await begin(withSecrets([oldest]))
    const slow = await withSecrets([oldest]).open(cookie)
    await createVisitor(withSecrets([newest, oldest]), cookie).visit(increment)
    slow.session.data['counter'] = 9
    expect((await slow.commit()).failure).toEqual({ outcome: 'unavailable', asked: 'change' })
    const { session } = await withSecrets([newest]).open(cookie)
    expect(session.data).toEqual({ counter: 2 })
  })

  it('H1: a subject’s list that another process has sealed with an unknown secret ends no session', async () => {
    const old = withSecrets([oldest])
    const visitor = createVisitor(old)
    await visitor.visit(({ signIn }) => signIn('ada'))
    const between = withSecrets([newest, oldest])
    await createVisitor(between).visit(({ signIn }) => signIn('ada'))
    // Writes the list that is named with the old secret.
    expect(await between.end('ada', 'no such ref')).toBe('gone')
    const other = createVisitor(old)
    await other.visit(({ signIn }) => signIn('ada'))
    const { session } = await old.open(other.cookie)
    await between.end('ada', session.ref as string)
    const { session: found, commit } = await old.open(visitor.cookie)
    expect(found.state).toBe('new')
    found.data['counter'] = 1
    expect((await commit()).failure).toEqual({ outcome: 'unavailable', asked: 'change' })
    await expect(old.list('ada')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await old.revoke('ada', { except: session })).toBe('unconfirmed')
    expect(await stateOf(between, visitor.cookie)).toBe('live')
    // A sign-in there does not wait until the list expires: it begins another one.
    const login = createVisitor(old)
    expect((await login.visit(({ signIn }) => signIn('ada'))).status).toBe(200)
    expect(await stateOf(old, login.cookie)).toBe('live')
  })

  it('S14: taking a secret away ends the sessions sealed with it, and no others', async () => {
    const before = await begin(withSecrets([oldest]))
    const after = await begin(withSecrets([newest, oldest]))
    const last = withSecrets([newest])
    expect([await stateOf(last, before), await stateOf(last, after)]).toEqual(['new', 'live'])
  })

  it('S26, T18: a token means nothing in another namespace, nor under another secret', async () => {
    const cookie = await begin(withSecrets([oldest], { namespace: 'shop' }))
    expect(await stateOf(withSecrets([oldest], { namespace: 'shop' }), cookie)).toBe('live')
    expect(await stateOf(withSecrets([oldest], { namespace: 'blog' }), cookie)).toBe('new')
    expect(await stateOf(withSecrets([newest], { namespace: 'shop' }), cookie)).toBe('new')
  })

  it('H7: two apps on one store without a namespace open each other’s sessions, and are told', async () => {
    const told: SessionEvent[] = []
    const store = { ...backend.store }
    const make = (namespace?: string): Sessions<Data> => {
      const named = namespace === undefined ? {} : { namespace }
      const onEvent = (event: SessionEvent): void => void told.push(event)
      return createSessions<Data>({ store, secrets: [newest], onEvent, ...named })
    }
    const [shop, blog] = [make(), make()]
    const cookie = await begin(shop)
    expect(await stateOf(blog, cookie)).toBe('live')
    const warnings = told.filter(({ type }) => type === 'warning')
    expect(warnings).toEqual([{ type: 'warning', what: expect.stringContaining('namespace') }])
    told.length = 0
    expect(await stateOf(make('blog'), cookie)).toBe('new')
    expect(told.filter(({ type }) => type === 'warning')).toEqual([])
  })

  it('rule 12: a record sealed without a server secret is not opened if secrets are set', async () => {
    for (const none of ['none', undefined] as const) {
      const cookie = await begin(withSecrets(none))
      expect(await stateOf(withSecrets(none), cookie)).toBe('live')
      expect(await stateOf(withSecrets([newest]), cookie)).toBe('new')
    }
    const sealed = await begin(withSecrets([newest]))
    expect(await stateOf(withSecrets('none'), sealed)).toBe('new')
  })

  it('rule 12: without secrets it warns, in production it refuses, and “none” must be explicit', () => {
    events.length = 0
    withSecrets(undefined)
    expect(events).toEqual([
      { type: 'warning', what: expect.stringContaining('secrets is missing') },
    ])
    events.length = 0
    withSecrets('none')
    withSecrets([newest])
    expect(events).toEqual([])
    vi.stubEnv('NODE_ENV', 'production')
    expect(() => withSecrets(undefined)).toThrow('secrets is missing')
    expect(() => withSecrets('none')).not.toThrow()
    expect(() => withSecrets([newest])).not.toThrow()
  })
})
