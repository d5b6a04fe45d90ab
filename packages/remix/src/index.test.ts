import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import type { MiddlewareFunction } from 'react-router'
import { RouterContextProvider } from 'react-router'
import { describe, expect, it } from 'vitest'
import { commit, discard, getSession, saveLate, sessionMiddleware } from './index.ts'

const sessions = createSessions<{ user: string }>({
  store: memoryStore(),
  cookie: { plainHttp: true },
})

describe('sessionMiddleware', () => {
  it('is a MiddlewareFunction of React Router', () => {
    const middleware: MiddlewareFunction<Response>[] = [sessionMiddleware(sessions)]
    expect(middleware).toHaveLength(1)
  })

  it('gives the session to getSession and commit', async () => {
    const context = new RouterContextProvider()
    const request = new Request('http://localhost/')
    const response = await sessionMiddleware(sessions)({ request, context }, async () => {
      const session = await getSession<typeof sessions>(context)
      session.data.user = 'ada'
      return new Response((await commit(context)).outcome)
    })
    expect(await response.text()).toBe('created')
    expect(response.headers.getSetCookie()).toHaveLength(1)
  })
})

describe('sessionMiddleware, mounted twice on one request', () => {
  it('gives one session', async () => {
    const [context, request] = [new RouterContextProvider(), new Request('http://localhost/')]
    const middleware = sessionMiddleware(sessions)
    const write = async (): Promise<Response> => {
      ;(await getSession<typeof sessions>(context)).data.user = 'ada'
      return new Response()
    }
    const inner = (): Promise<Response> => sessionMiddleware(sessions)({ request, context }, write)
    const response = await middleware({ request, context }, inner)
    expect(response.headers.getSetCookie()).toHaveLength(1)
  })

  it('refuses a second set of sessions, and does not hand out the first', async () => {
    const admin = createSessions<{ user: string }>({
      store: memoryStore(),
      namespace: 'admin',
      cookie: { plainHttp: true, name: 'admin' },
    })
    const [context, request] = [new RouterContextProvider(), new Request('http://localhost/admin')]
    const inner = (): Promise<Response> =>
      sessionMiddleware(admin)({ request, context }, async () => new Response('of the shop'))
    const answer = sessionMiddleware(sessions)({ request, context }, inner)
    await expect(answer).rejects.toThrow(/another createSessions.*routes of its own/)
  })
})

describe('getSession without the middleware', () => {
  it('says what to add where', async () => {
    const context = new RouterContextProvider()
    const missing = 'add `export const middleware = [sessionMiddleware(sessions)]` to app/root.tsx'
    await expect(getSession(context)).rejects.toThrow(`getSession(context): ${missing}`)
    await expect(commit(context)).rejects.toThrow(`commit(context): ${missing}`)
    await expect(saveLate(context, () => {})).rejects.toThrow(`saveLate(context): ${missing}`)
  })

  it('discard does nothing, because handleError must never throw', () => {
    for (const context of [new RouterContextProvider(), undefined, null, {}]) {
      expect(() => discard(context)).not.toThrow()
    }
  })

  it('names the flag of React Router 7', async () => {
    for (const context of [undefined, {}, { anything: 1 }]) {
      await expect(getSession(context)).rejects.toThrow('`future: { v8_middleware: true }`')
      await expect(commit(context)).rejects.toThrow('react-router.config.ts')
    }
  })
})
