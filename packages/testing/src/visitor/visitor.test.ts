import { describe, expect, expectTypeOf, it } from 'vitest'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { createCookieJar } from './cookie-jar.ts'
import { createVisitor } from './visitor.ts'
import type { FetchHandler } from './visitor.ts'

/** Answers with what it was sent, and sets `sid` to the number of requests. */
function echo(): FetchHandler {
  let requests = 0
  return async (request) => {
    requests++
    const body = {
      url: request.url,
      method: request.method,
      cookie: request.headers.get('Cookie'),
      type: request.headers.get('Content-Type'),
      text: await request.text(),
    }
    return Response.json(body, { headers: { 'Set-Cookie': `sid=${requests}; Path=/` } })
  }
}

describe('createVisitor', () => {
  it('sends no cookie first, and then those that responses have set', async () => {
    const visitor = createVisitor(echo())
    expect(visitor.cookie).toBe('')
    expect(await (await visitor.fetch('/')).json()).toMatchObject({ cookie: null })
    expect(visitor.cookie).toBe('sid=1')
    expect(await (await visitor.fetch('/')).json()).toMatchObject({ cookie: 'sid=1' })
    expect(visitor.cookie).toBe('sid=2')
  })

  it('sends the path, the method, the headers and the body', async () => {
    const visitor = createVisitor(echo())
    const headers = { 'Content-Type': 'application/json' }
    const response = await visitor.fetch('/a?b=1', { method: 'POST', headers, body: '{}' })
    expect(await response.json()).toEqual({
      url: 'https://app.example/a?b=1',
      method: 'POST',
      cookie: null,
      type: 'application/json',
      text: '{}',
    })
  })

  it('sends requests to the origin it is given, asked for at each request', async () => {
    let port = 3000
    const fixed = createVisitor(echo(), { origin: 'http://localhost:8080' })
    const moving = createVisitor(echo(), { origin: () => `http://localhost:${port}` })
    expect(await (await fixed.fetch('/a')).json()).toMatchObject({ url: 'http://localhost:8080/a' })
    port = 3001
    expect(await (await moving.fetch('/a')).json()).toMatchObject({
      url: 'http://localhost:3001/a',
    })
  })

  it('starts with the cookies of a jar, and shares it', async () => {
    const jar = createCookieJar('sid=given; theme=dark')
    const visitor = createVisitor(echo(), { jar })
    const { cookie } = (await (await visitor.fetch('/')).json()) as { cookie: string }
    expect(cookie).toBe('sid=given; theme=dark')
    expect(jar.header).toBe('sid=1; theme=dark')
  })

  it('sends the Cookie header of a request instead of its own cookies', async () => {
    const visitor = createVisitor(echo(), { jar: createCookieJar('sid=own') })
    const response = await visitor.fetch('/', { headers: { Cookie: 'sid=other' } })
    expect(await response.json()).toMatchObject({ cookie: 'sid=other' })
  })

  it('returns a redirect, with its cookie kept, and asks not to follow it', async () => {
    const redirects: string[] = []
    const visitor = createVisitor((request) => {
      redirects.push(request.redirect)
      return new Response(null, { status: 303, headers: { Location: '/', 'Set-Cookie': 'sid=1' } })
    })
    expect((await visitor.fetch('/')).status).toBe(303)
    await visitor.fetch('/', { redirect: 'follow' })
    expect(redirects).toEqual(['manual', 'follow'])
    expect(visitor.cookie).toBe('sid=1')
  })

  it('passes on what the application throws, and keeps its cookies', async () => {
    const fail: FetchHandler = () => Promise.reject(new Error('out of order'))
    const visitor = createVisitor(fail, { jar: createCookieJar('sid=1') })
    await expect(visitor.fetch('/')).rejects.toThrow('out of order')
    expect(visitor.cookie).toBe('sid=1')
  })

  it('copies itself into a visitor that then changes independently', async () => {
    const visitor = createVisitor(echo(), { origin: 'http://localhost' })
    await visitor.fetch('/')
    const copy = visitor.copy()
    await visitor.fetch('/')
    expect([visitor.cookie, copy.cookie]).toEqual(['sid=2', 'sid=1'])
    expect(await (await copy.fetch('/')).json()).toMatchObject({
      url: 'http://localhost/',
      cookie: 'sid=1',
    })
  })

  it('keeps the cookie of a session until its end', async () => {
    const sessions = createSessions<{ visits?: number }>({ store: memoryStore() })
    const app: FetchHandler = (request) =>
      sessions.handle(request, (session) => {
        if (new URL(request.url).pathname === '/logout') session.destroy()
        else session.data.visits = (session.data.visits ?? 0) + 1
        return Response.json(session.data)
      })
    const visitor = createVisitor(app)
    await visitor.fetch('/')
    expect(visitor.cookie).toMatch(/^__Host-Http-sid=[\w-]{43}$/)
    expect(await (await visitor.fetch('/')).json()).toEqual({ visits: 2 })
    await visitor.fetch('/logout')
    expect(visitor.cookie).toBe('')
  })

  it('is typed', () => {
    expectTypeOf(createVisitor).parameter(0).toEqualTypeOf<FetchHandler>()
    expectTypeOf(createVisitor(echo()).fetch).returns.resolves.toEqualTypeOf<Response>()
    expectTypeOf(createVisitor(echo())).toHaveProperty('cookie').toBeString()
  })
})
