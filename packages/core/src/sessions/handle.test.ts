import { describe, expect, it } from 'vitest'
import { createFakeStore, start } from '../../test/fakes/context.ts'
import type { Session } from '../session/session.ts'
import type { SessionsOptions } from '../settings/options.ts'
import { createSessions } from './sessions.ts'

type Data = Record<string, unknown>

function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const now = (): number => start
  const store = createFakeStore(now)
  const sessions = createSessions<Data>({
    store,
    testing: { now, wait: async () => {} },
    ...options,
  })
  const request = (cookie = ''): Request =>
    new Request('https://app.example/', { headers: { Cookie: cookie } })
  return { store, sessions, request, commands: () => store.log.splice(0).map(([name]) => name) }
}

const cookieOf = (response: Response): string =>
  response.headers.getSetCookie()[0]?.split(';')[0] ?? ''

describe('handle', () => {
  it('rule 6: takes 0 commands for a visitor, 1 to create, 1 to read, 2 to change, 3 to renew', async () => {
    const { sessions, request, commands } = setUp()
    const visit = (cookie: string, act: (session: Session<Data>) => unknown): Promise<Response> =>
      sessions.handle(request(cookie), (session) => {
        act(session)
        return new Response()
      })
    await visit('', ({ data }) => data)
    expect(commands()).toEqual([])
    const cookie = cookieOf(await visit('', ({ data }) => (data['a'] = 1)))
    expect(commands()).toEqual(['create'])
    await visit(cookie, ({ data }) => data['a'])
    expect(commands()).toEqual(['load'])
    await visit(cookie, ({ data }) => (data['a'] = 2))
    expect(commands()).toEqual(['load', 'save'])
    const renewed = cookieOf(await visit(cookie, ({ renew }) => renew()))
    expect(commands()).toEqual(['load', 'create', 'save'])
    const signedIn = cookieOf(await visit(renewed, ({ signIn }) => signIn('zoë')))
    expect(commands()).toEqual(['load', 'load', 'create', 'create', 'save'])
    await sessions.destroy(request(signedIn))
    expect(commands()).toEqual(['load', 'delete', 'load', 'save'])
  })

  it('rule 6: takes 2 commands to sign out of a session that was loaded', async () => {
    const { sessions, request, commands } = setUp()
    const begun = await sessions.handle(request(), ({ data }) => {
      data['a'] = 1
      return new Response()
    })
    commands()
    const response = await sessions.handle(request(cookieOf(begun)), ({ destroy }) => {
      destroy()
      return new Response()
    })
    expect(commands()).toEqual(['load', 'delete'])
    expect(response.headers.getSetCookie()[0]).toContain('Max-Age=0')
  })

  it('S61: leaves the response alone whose handler did not look at the session', async () => {
    const { sessions, request } = setUp()
    const given = new Response('hello', { headers: { 'Cache-Control': 'public' } })
    expect(await sessions.handle(request(), () => given)).toBe(given)
    expect(given.headers.get('Vary')).toBeNull()
    expect(given.headers.get('Cache-Control')).toBe('public')
  })

  it('S61: makes the response private whose handler did', async () => {
    const { sessions, request } = setUp()
    const { headers } = await sessions.handle(request(), async ({ state }) => new Response(state))
    expect([headers.get('Vary'), headers.get('Cache-Control')]).toEqual(['Cookie', 'private'])
  })

  it('is a mistake in the program to return no Response, and nothing is saved', async () => {
    const { sessions, request, commands } = setUp()
    for (const value of [undefined, null, 'hello', {}, { status: 200 }]) {
      const answering = sessions.handle(request(), ({ data }) => {
        data['a'] = 1
        return value as unknown as Response
      })
      await expect(answering).rejects.toThrow(TypeError)
      await expect(answering).rejects.toThrow('handler must return a Response')
    }
    expect(commands()).toEqual([])
  })

  it('passes its options on', async () => {
    const { sessions, store, request } = setUp()
    const begun = await sessions.handle(request(), ({ data }) => {
      data['a'] = 1
      return new Response()
    })
    const cookie = cookieOf(begun)
    store.log.length = 0
    await sessions.handle(request(cookie), () => new Response(), { touch: false })
    const id = store.log[0]?.[1] ?? ''
    expect(store.expiries.get(id)).toBeUndefined()
    const response = await sessions.handle(
      request(cookie),
      ({ data }) => {
        data['a'] = 2
        store.down = true
        return new Response()
      },
      { onFailure: ({ outcome, asked }) => new Response(`${asked}: ${outcome}`) },
    )
    expect(await response.text()).toBe('change: unavailable')
  })

  it('S37: rejects with the option if the session cannot be opened, before the handler', async () => {
    const { sessions, store, request } = setUp({ unavailable: 'throw' })
    store.down = true
    let calls = 0
    const cookie = `__Host-Http-sid=${'A'.repeat(43)}`
    const answering = sessions.handle(request(cookie), () => {
      calls++
      return new Response()
    })
    await expect(answering).rejects.toMatchObject({ code: 'unavailable' })
    expect(calls).toBe(0)
  })

  it('throws a Response on that the handler throws, with the cookie', async () => {
    const { sessions, request, commands } = setUp()
    const answering = sessions.handle(request(), ({ data }) => {
      data['a'] = 1
      throw new Response('no', { status: 403 })
    })
    const thrown = (await answering.catch((error: unknown) => error)) as Response
    expect(thrown.status).toBe(403)
    expect(cookieOf(thrown)).not.toBe('')
    expect(commands()).toEqual(['create'])
  })

  describe('around another handle, of a new visitor', () => {
    const act = {
      'signs in': ({ signIn }: Session<Data>) => signIn('ada'),
      changes: ({ data }: Session<Data>) => (data['cart'] = 1),
      renews: ({ data, renew }: Session<Data>) => [(data['user'] = 1), renew()],
    } as const
    type Act = keyof typeof act

    async function nest(outer: Act, inner: Act) {
      const failures: unknown[] = []
      const onFailure = (failure: unknown): void => void failures.push(failure)
      const { sessions, request } = setUp({ onFailure })
      const response = await sessions.handle(request(), (session) => {
        act[outer](session)
        return sessions.handle(request(), (other) => {
          act[inner](other)
          return new Response('done')
        })
      })
      expect(response.headers.getSetCookie()).toHaveLength(1)
      const { session } = await sessions.open(cookieOf(response))
      return [session.subject, Object.keys(session.data), failures]
    }

    it('F2, rule 5: keeps the sign-in of the one inside, and tells the other that its change is lost', async () => {
      const lost = [{ outcome: 'moved', asked: 'change' }]
      expect(await nest('changes', 'signs in')).toEqual(['ada', [], lost])
      expect(await nest('changes', 'renews')).toEqual([null, ['user'], lost])
      expect(await nest('changes', 'changes')).toEqual([null, ['cart'], lost])
      const renewal = [{ outcome: 'moved', asked: 'renewal' }]
      expect(await nest('renews', 'signs in')).toEqual(['ada', [], renewal])
    })

    it('rule 5: keeps its own sign-in', async () => {
      expect(await nest('signs in', 'changes')).toEqual(['ada', [], []])
      expect(await nest('signs in', 'signs in')).toEqual(['ada', [], []])
    })

    it('takes no cookie of the app for a token', async () => {
      const { sessions, request } = setUp()
      for (const value of ['', 'theme', 'A'.repeat(42) + 'B']) {
        const headers = { 'Set-Cookie': `__Host-Http-sid=${value}; Path=/` }
        const response = await sessions.handle(request(), ({ data }) => {
          data['a'] = 1
          return new Response(null, { headers })
        })
        const { session } = await sessions.open(cookieOf(response))
        expect([response.headers.getSetCookie().length, session.state]).toEqual([1, 'live'])
      }
    })
  })
})
