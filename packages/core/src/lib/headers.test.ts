import { describe, expect, it } from 'vitest'
import { readCookieOptions, writeCookie } from './cookie.ts'
import { applyToResponse } from './headers.ts'

const cookie = writeCookie(readCookieOptions(), 'A'.repeat(43), 60)

/** A response whose headers cannot be changed, as those of `fetch()`. */
async function immutable(): Promise<Response> {
  const response = await fetch('data:text/plain,hello')
  expect(() => response.headers.append('x', 'y')).toThrow(TypeError)
  return response
}

describe('applyToResponse', () => {
  it('gives back the same response, untouched, where there is nothing to add', async () => {
    const response = Response.redirect('https://shop.example/')
    expect(applyToResponse(response, null, null)).toBe(response)
    const other = await immutable()
    expect(applyToResponse(other, null, null)).toBe(other)
  })

  it('adds the cookie to the same response where its headers can be changed', async () => {
    const response = Response.json({ a: 1 }, { status: 201, headers: { 'X-Shop': 'yes' } })
    expect(applyToResponse(response, cookie, null)).toBe(response)
    expect(response.headers.getSetCookie()).toEqual([cookie.header])
    expect(response.headers.get('x-shop')).toBe('yes')
    expect(response.headers.has('server-timing')).toBe(false)
    expect(await response.json()).toEqual({ a: 1 })
  })

  it('S64: keeps every other Set-Cookie, in its order', () => {
    const response = new Response()
    response.headers.append('Set-Cookie', 'a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT')
    response.headers.append('set-cookie', 'b=2')
    const kept = applyToResponse(response, cookie, null).headers.getSetCookie()
    expect(kept).toEqual(['a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT', 'b=2', cookie.header])
  })

  it('copies a redirect, whose headers cannot be changed, as every login ends with one', () => {
    const response = Response.redirect('https://shop.example/account', 303)
    const answer = applyToResponse(response, cookie, null)
    expect(answer).not.toBe(response)
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe('https://shop.example/account')
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
    expect(response.headers.getSetCookie()).toEqual([])
  })

  it('copies the response of a fetch with its status, headers and body', async () => {
    const answer = applyToResponse(await immutable(), cookie, null)
    expect(answer.headers.get('content-type')).toBe('text/plain')
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
    expect(await answer.text()).toBe('hello')
  })

  it('S64: keeps every other Set-Cookie when it copies', () => {
    const frozen = freezeHeaders(new Response(null, {
      status: 302,
      headers: [['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2, c'], ['Location', '/']],
    }))
    const answer = applyToResponse(frozen, cookie, 'saved')
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2, c', cookie.header])
    expect(answer.headers.get('location')).toBe('/')
  })

  it('passes a streaming body on as it is, without reading it first', async () => {
    let pulls = 0
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          controller.enqueue(new TextEncoder().encode(`${pulls++}`))
          if (pulls === 3) controller.close()
        },
      },
      { highWaterMark: 0 },
    )
    const answer = applyToResponse(freezeHeaders(new Response(body)), cookie, null)
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
    expect(answer.bodyUsed).toBe(false)
    expect(pulls).toBe(0)
    expect(await answer.text()).toBe('012')
  })

  it('keeps a status without a body', () => {
    const answer = applyToResponse(freezeHeaders(new Response(null, { status: 304 })), cookie, null)
    expect(answer.status).toBe(304)
    expect(answer.body).toBeNull()
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
  })

  it('explains a commit next to other timings, in words that hold no token', () => {
    const response = new Response(null, { headers: { 'Server-Timing': 'db;dur=5' } })
    const answer = applyToResponse(response, cookie, 'created')
    expect(answer.headers.get('server-timing')).toBe('db;dur=5, session;desc="created"')
    expect(applyToResponse(Response.redirect('https://a.example'), null, 'saved').headers
      .get('server-timing')).toBe('session;desc="saved"')
  })
})

function freezeHeaders(response: Response): Response {
  const refuse = (): never => {
    throw new TypeError('immutable')
  }
  Object.assign(response.headers, { append: refuse, set: refuse, delete: refuse })
  return response
}
