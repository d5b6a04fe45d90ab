import { describe, expect, it, vi } from 'vitest'
import { createFakeStore, start } from '../../test/fakes/context.ts'
import type { FakeStore } from '../../test/fakes/context.ts'
import type { Session } from '../session/session.ts'
import type { SessionsOptions } from '../settings/options.ts'
import type { SessionStore } from '../store/store.ts'
import type { LazySession } from './lazy-session.ts'
import { createSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'

interface Data {
  n?: number
}

interface World {
  readonly sessions: Sessions<Data>
  readonly clock: { now: number }
  readonly lazy: (cookie: string) => LazySession<Data>
  /** A whole request. Resolves with the cookie that the browser has then. */
  readonly visit: (cookie: string, act?: (session: Session<Data>) => unknown) => Promise<string>
  /** The state of the session that a cookie leads to. */
  readonly stateAt: (cookie: string) => Promise<string>
}

function world(
  options: Partial<SessionsOptions<Data>> = {},
  storeOf: (store: FakeStore) => SessionStore = (store) => store,
): World {
  const clock = { now: start }
  const now = (): number => clock.now
  const store = storeOf(createFakeStore(now))
  const testing = { now, wait: async () => {} }
  const lifetime = { rotate: 600 }
  const sessions = createSessions<Data>({ store, testing, lifetime, onEvent() {}, ...options })
  return {
    sessions,
    clock,
    lazy: (cookie) => sessions.lazy(requestOf(cookie)),
    async visit(cookie, act) {
      const response = await sessions.handle(requestOf(cookie), async (session) => {
        await act?.(session)
        return new Response()
      })
      return response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    },
    stateAt: async (cookie) => (await sessions.open(cookie)).session.state,
  }
}

const requestOf = (cookie: string): Request =>
  new Request('https://app.example/', { headers: { Cookie: cookie } })

const signIn = (session: Session<Data>): void => session.signIn('ada')

async function settle(): Promise<void> {
  for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a session that is destroyed after its commit', () => {
  it.each(['renewed', 'rotated'] as const)(
    'ends after its own rotation, and though it was %s by another request long ago',
    async (how) => {
      const { visit, lazy, clock, sessions, stateAt } = world()
      const first = await visit('', signIn)
      clock.now += 601_000
      const request = lazy(first)
      const session = await request.get()
      const onError = vi.fn()
      request.allowLateDestroy(onError)
      expect((await request.end())?.outcome).toBe('rotated')
      clock.now += 5_000
      const second = await visit(first)
      await visit(second)
      if (how === 'rotated') clock.now += 600_000
      const third = await visit(second, (now) => how === 'renewed' && now.renew())
      expect(new Set([first, second, third]).size).toBe(3)
      clock.now += 61_000
      session.destroy()
      await settle()
      expect(onError).not.toHaveBeenCalled()
      expect(await stateAt(third)).toBe('new')
      expect(await sessions.list('ada')).toEqual([])
    },
  )

  it('ends where its sign-in has begun it, though it was renewed by another request long ago', async () => {
    const { visit, lazy, clock, stateAt } = world()
    const request = lazy('')
    const session = await request.get()
    signIn(session)
    request.allowLateDestroy(() => {})
    const committed = await request.end()
    const renewed = await visit(committed!.cookie!.header.split(';')[0]!, (now) => now.renew())
    clock.now += 61_000
    session.destroy()
    await settle()
    expect(await stateAt(renewed)).toBe('new')
  })

  it.each(['before', 'beside'])(
    'ends together with the session that was renewed %s its sign-in',
    async (when) => {
      const { visit, lazy, stateAt } = world()
      const first = await visit('', signIn)
      const renew = (): Promise<string> => visit(first, (now) => now.renew())
      const early = when === 'before' ? await renew() : null
      const request = lazy(first)
      const session = await request.get()
      signIn(session)
      request.allowLateDestroy(() => {})
      const renewed = early ?? (await renew())
      const committed = await request.end()
      expect(committed?.outcome).toBe('created')
      session.destroy()
      await settle()
      expect(await stateAt(committed!.cookie!.header.split(';')[0]!)).toBe('new')
      expect(await stateAt(renewed)).toBe('new')
    },
  )

  it('hands the work to waitUntil', async () => {
    const works: Promise<void>[] = []
    const { visit, lazy } = world({ waitUntil: (work) => void works.push(work) })
    const request = lazy(await visit('', ({ data }) => (data.n = 0)))
    const session = await request.get()
    request.allowLateDestroy(() => {})
    await request.end()
    session.destroy()
    expect(works).toHaveLength(1)
  })

  it('releases the connections of its request, also if it fails', async () => {
    let open = 0
    let fails = false
    const { visit, lazy } = world({}, (store) => ({
      ...store,
      scope() {
        let isUsed = false
        const use = <result>(run: () => Promise<result>): Promise<result> => {
          if (!isUsed) open++
          isUsed = true
          return fails ? Promise.reject(Object.assign(new Error('no'), { code: 'auth' })) : run()
        }
        return {
          load: (...given) => use(() => store.load(...given)),
          create: (...given) => use(() => store.create(...given)),
          save: (...given) => use(() => store.save(...given)),
          delete: (...given) => use(() => store.delete(...given)),
          release() {
            if (isUsed) open--
            isUsed = false
          },
        }
      },
    }))
    const request = lazy(await visit('', ({ data }) => (data.n = 0)))
    const session = await request.get()
    const onError = vi.fn()
    request.allowLateDestroy(onError)
    await request.end()
    expect(open).toBe(0)
    fails = true
    session.destroy()
    await settle()
    expect(onError).toHaveBeenCalledTimes(1)
    expect(open).toBe(0)
  })
})
