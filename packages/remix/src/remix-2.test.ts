import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import type { ServerBuild } from '@remix-run/node'
import { createRequestHandler } from '@remix-run/node'
import { describe, expect, it } from 'vitest'
import { getSession, withSession } from './remix-2.ts'

const sessions = createSessions<{ user: string }>({
  store: memoryStore(),
  cookie: { plainHttp: true },
})

describe('withSession', () => {
  it('takes and returns a request handler of Remix 2', () => {
    const handler = createRequestHandler({} as ServerBuild)
    const wrapped: typeof handler = withSession(sessions, handler)
    expect(wrapped).toBeTypeOf('function')
  })

  it('passes on what the server puts into the context', async () => {
    const handle = withSession(sessions, async (_request, context?: { name: string }) => {
      const session = await getSession<typeof sessions>(context)
      session.data.user = context?.name ?? 'nobody'
      return new Response(session.data.user)
    })
    const response = await handle(new Request('http://localhost/'), { name: 'ada' })
    expect(await response.text()).toBe('ada')
    expect(response.headers.getSetCookie()).toHaveLength(1)
  })

  it('keeps the sessions of requests with the same context apart', async () => {
    const handle = withSession(sessions, async (request, context?: object) => {
      const session = await getSession<typeof sessions>(context)
      const user = new URL(request.url).searchParams.get('user')
      if (user !== null) session.data.user = user
      await new Promise((resolve) => void setTimeout(resolve, 20))
      return new Response(session.data.user ?? 'nobody')
    })
    const shared = Object.freeze({})
    const responses = await Promise.all(
      ['?user=ada', '?user=grace', ''].map((query) =>
        handle(new Request(`http://localhost/${query}`), shared),
      ),
    )
    const texts = await Promise.all(responses.map((response) => response.text()))
    expect(texts).toEqual(['ada', 'grace', 'nobody'])
  })
})

describe('withSession, if the store cannot be reached', () => {
  const down = createSessions({
    store: memcachedStore({ servers: '127.0.0.1:1' }),
    secrets: 'none',
    cookie: { plainHttp: true },
  })
  const signIn = async (_request: Request, context?: object): Promise<Response> => {
    const session = await getSession<typeof down>(context)
    session.signIn('ada')
    return new Response('signed in')
  }

  it('answers 503 for a sign-in, or what onFailure gives', async () => {
    const request = new Request('http://localhost/')
    expect((await withSession(down, signIn)(request)).status).toBe(503)
    const onFailure = () => new Response('not yet')
    const response = await withSession(down, signIn, { onFailure })(request)
    expect(await response.text()).toBe('not yet')
  })
})

describe('getSession without withSession', () => {
  it('says what to wrap, and what to do in remix-serve', async () => {
    await expect(getSession({})).rejects.toThrow(
      'withSession(sessions, createRequestHandler(build))',
    )
    await expect(getSession(undefined)).rejects.toThrow('sessionStorage(sessions, { authKeys })')
  })
})
