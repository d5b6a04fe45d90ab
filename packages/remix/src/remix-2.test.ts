import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import type { ServerBuild } from '@remix-run/node'
import { createRequestHandler } from '@remix-run/node'
import { describe, expect, it } from 'vitest'
import { withSession } from './remix-2.ts'
import { getSession } from './session.ts'

const sessions = createSessions<{ user: string }>({
  store: memoryStore(),
  cookie: { plainHttp: true },
})

describe('withSession', () => {
  it('takes and gives a request handler of Remix 2', () => {
    const handler = createRequestHandler({} as ServerBuild)
    const wrapped: typeof handler = withSession(sessions, handler)
    expect(wrapped).toBeTypeOf('function')
  })

  it('hands on what the server puts into the context', async () => {
    const handle = withSession(sessions, async (_request, context?: { name: string }) => {
      const session = await getSession<typeof sessions>(context)
      session.data.user = context?.name ?? 'nobody'
      return new Response(session.data.user)
    })
    const response = await handle(new Request('http://localhost/'), { name: 'ada' })
    expect(await response.text()).toBe('ada')
    expect(response.headers.getSetCookie()).toHaveLength(1)
  })

  it('keeps the sessions of two requests apart that are given one context', async () => {
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

describe('getSession without withSession', () => {
  it('says what to wrap, and what to do in remix-serve', async () => {
    await expect(getSession({})).rejects.toThrow(
      'withSession(sessions, createRequestHandler(build))',
    )
    await expect(getSession(undefined)).rejects.toThrow('sessionStorage(sessions)')
  })
})
