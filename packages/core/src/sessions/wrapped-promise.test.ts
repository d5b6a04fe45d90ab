import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Session } from '../session/session.ts'

/** As zone.js: async functions still give promises of the language, which are not of this class. */
class Wrapped<value> extends Promise<value> {
  // oxlint-disable-next-line no-unused-private-class-members -- `then` asks for it.
  readonly #isOwn = true

  // oxlint-disable-next-line no-thenable
  override then<done = value, failed = never>(
    ...args: Parameters<Promise<value>['then']>
  ): Promise<done | failed> {
    if (!(#isOwn in this)) throw new TypeError('a promise of another class')
    return super.then(...args) as Promise<done | failed>
  }
}

beforeEach(() => {
  vi.resetModules()
  vi.stubGlobal('Promise', Wrapped)
})
afterEach(() => void vi.unstubAllGlobals())

type Handler = (session: Session) => Response | Promise<Response>

it('sessions work where instrumentation has replaced the global Promise', async () => {
  const { createSessions } = await import('./sessions.ts')
  const { memoryStore } = await import('../store/memory-store.ts')
  const refuse = async (): Promise<never> => {
    throw new Error('a listener that fails')
  }
  const sessions = createSessions({ store: memoryStore(), onEvent: refuse as never })
  let Cookie = ''
  const visit = async (handler: Handler): Promise<unknown> => {
    const request = new Request('https://localhost/', { headers: { Cookie } })
    const response = await sessions.handle(request, handler)
    for (const line of response.headers.getSetCookie()) [Cookie = ''] = line.split(';')
    return response.json()
  }
  const show: Handler = ({ state, subject, data }) => Response.json([state, subject, data])
  await visit(({ data, signIn }) => {
    data['n'] = 1
    signIn('ada')
    return Response.json('welcome')
  })
  expect(await visit(show)).toEqual(['live', 'ada', { n: 1 }])
  expect(await visit(async (session) => Response.json(await session.verifyCsrf('forged')))).toBe(
    false,
  )
  expect(
    await visit(({ destroy }) => {
      destroy()
      return Response.json('bye')
    }),
  ).toBe('bye')
  expect(Cookie).toBe('__Host-Http-sid=')
  const lazy = sessions.lazy(null)
  const forgotten = lazy.get() as unknown as Session
  expect(() => forgotten.subject).toThrow('await is missing')
  expect((await lazy.get()).state).toBe('new')
})
