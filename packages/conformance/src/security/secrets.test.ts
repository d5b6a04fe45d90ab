import { createSessions } from '@coatcheck/core'
import type { SessionEvent, Sessions, SessionsOptions } from '@coatcheck/core'
import { afterEach, expect, it, vi } from 'vitest'
import { describeOnBoth } from '../backends.ts'
import { createVisitor, increment } from '../visitor.ts'

type Data = Record<string, unknown>

const [oldest, older, newest] = ['oldest', 'older', 'newest'].map((word) =>
  `the ${word} secret `.repeat(3),
) as [string, string, string]

afterEach(() => vi.unstubAllEnvs())

describeOnBoth('secrets', (backend) => {
  const events: SessionEvent[] = []
  const withSecrets = (secrets: SessionsOptions<Data>['secrets'], more = {}): Sessions<Data> =>
    createSessions<Data>({
      store: backend.store,
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

  it('S41, T17: a record that cannot be opened is no session; it is reported, kept, and not overwritten', async () => {
    const cookie = await begin(withSecrets([oldest]))
    const stranger = withSecrets([newest])
    events.length = 0
    const visitor = createVisitor(stranger, cookie)
    const answer = await visitor.visit(() => {})
    expect(answer).toMatchObject({ state: 'new', data: {}, setCookies: [] })
    expect(events).toEqual([
      expect.objectContaining({ type: 'record.unreadable', reason: 'damaged' }),
    ])
    await visitor.visit(increment)
    expect(visitor.cookie).not.toBe(cookie)
    expect(await stateOf(withSecrets([oldest]), cookie)).toBe('live')
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
