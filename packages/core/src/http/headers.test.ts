import { describe, expect, it } from 'vitest'
import type { Cookie } from './cookie.ts'
import { readCookieOptions, writeCookie } from './cookie.ts'
import { applyToResponse } from './headers.ts'

const cookie = writeCookie(readCookieOptions(), 'A'.repeat(43), 60)

/** What a commit says about a session that the handler did not look at. */
function apply(response: Response, ours: Cookie | null, explain: string | null = null): Response {
  return applyToResponse(response, {
    cookie: ours,
    touched: false,
    clearSiteData: null,
    explain,
    onOverride: () => {},
  })
}

/** The headers that caches go by, and how often an override was told. */
function cached(
  response: Response,
  touched: boolean,
  ours: Cookie | null = null,
): [cacheControl: string | null, vary: string | null, overrides: number] {
  let overrides = 0
  const onOverride = (): void => void overrides++
  const changes = { cookie: ours, touched, clearSiteData: null, explain: null, onOverride }
  const { headers } = applyToResponse(response, changes)
  return [headers.get('cache-control'), headers.get('vary'), overrides]
}

function responseWith(headers: Record<string, string>): Response {
  return new Response(null, { headers })
}

/** A response whose headers cannot be changed, as those of `fetch()`. */
async function immutable(): Promise<Response> {
  const response = await fetch('data:text/plain,hello')
  expect(() => response.headers.append('x', 'y')).toThrow(TypeError)
  return response
}

describe('applyToResponse', () => {
  it('gives back the same response, untouched, where there is nothing to add', async () => {
    const response = Response.redirect('https://shop.example/')
    expect(apply(response, null)).toBe(response)
    const other = await immutable()
    expect(apply(other, null)).toBe(other)
  })

  it('adds the cookie to the same response where its headers can be changed', async () => {
    const response = Response.json({ a: 1 }, { status: 201, headers: { 'X-Shop': 'yes' } })
    expect(apply(response, cookie)).toBe(response)
    expect(response.headers.getSetCookie()).toEqual([cookie.header])
    expect(response.headers.get('x-shop')).toBe('yes')
    expect(response.headers.has('server-timing')).toBe(false)
    expect(await response.json()).toEqual({ a: 1 })
  })

  it('S29: tells the browser what to forget, beside what the app says, and makes nothing else of it', () => {
    const changes = {
      cookie: null,
      touched: false,
      clearSiteData: '"cache"',
      explain: null,
      onOverride: () => {},
    }
    const { headers } = applyToResponse(new Response(), changes)
    expect([...headers]).toEqual([['clear-site-data', '"cache"']])
    const own = applyToResponse(responseWith({ 'Clear-Site-Data': '"storage"' }), changes)
    expect(own.headers.get('Clear-Site-Data')).toBe('"storage", "cache"')
  })

  it('S64: keeps every other Set-Cookie, in its order', () => {
    const response = new Response()
    response.headers.append('Set-Cookie', 'a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT')
    response.headers.append('set-cookie', 'b=2')
    const kept = apply(response, cookie).headers.getSetCookie()
    expect(kept).toEqual(['a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT', 'b=2', cookie.header])
  })

  it('copies a redirect, whose headers cannot be changed, as every login ends with one', () => {
    const response = Response.redirect('https://shop.example/account', 303)
    const answer = apply(response, cookie)
    expect(answer).not.toBe(response)
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe('https://shop.example/account')
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
    expect(response.headers.getSetCookie()).toEqual([])
  })

  it('copies the response of a fetch with its status, headers and body', async () => {
    const answer = apply(await immutable(), cookie)
    expect(answer.headers.get('content-type')).toBe('text/plain')
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
    expect(await answer.text()).toBe('hello')
  })

  it('S64: keeps every other Set-Cookie when it copies', () => {
    const frozen = freezeHeaders(
      new Response(null, {
        status: 302,
        headers: [
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2, c'],
          ['Location', '/'],
        ],
      }),
    )
    const answer = apply(frozen, cookie, 'saved')
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
    const answer = apply(freezeHeaders(new Response(body)), cookie)
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
    expect(answer.bodyUsed).toBe(false)
    expect(pulls).toBe(0)
    expect(await answer.text()).toBe('012')
  })

  it('gives back a response that cannot be copied, because the session is saved already', () => {
    const error = Response.error()
    expect(apply(error, cookie)).toBe(error)
  })

  it('keeps a status without a body', () => {
    const answer = apply(freezeHeaders(new Response(null, { status: 304 })), cookie)
    expect(answer.status).toBe(304)
    expect(answer.body).toBeNull()
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
  })

  it('explains a commit next to other timings, in words that hold no token', () => {
    const response = new Response(null, { headers: { 'Server-Timing': 'db;dur=5' } })
    const answer = apply(response, cookie, 'created')
    expect(answer.headers.get('server-timing')).toBe('db;dur=5, session;desc="created"')
    expect(
      apply(Response.redirect('https://a.example'), null, 'saved').headers.get('server-timing'),
    ).toBe('session;desc="saved"')
  })
})

describe('what caches are told', () => {
  it.each<[string, string | null, string, string, number]>([
    ['nothing', null, 'private', 'private, no-store', 0],
    ['public, max-age=600', 'public, max-age=600', 'private, max-age=600', 'private, no-store', 1],
    ['s-maxage', 'max-age=5, s-maxage=600', 'private, max-age=5', 'private, no-store', 1],
    ['no-store', 'no-store', 'no-store', 'private, no-store', 0],
    ['no-cache', 'no-cache', 'private, no-cache', 'private, no-store', 0],
    ['private', 'private, max-age=60', 'private, max-age=60', 'private, no-store', 0],
    ['capitals', 'PUBLIC, Max-Age=60', 'private, Max-Age=60', 'private, no-store', 1],
    ['spaces', ' public ,\tmax-age=60 ', 'private, max-age=60', 'private, no-store', 1],
    ['public and no-store', 'public, no-store', 'no-store', 'private, no-store', 1],
    ['immutable', 'max-age=9, immutable', 'private, max-age=9, immutable', 'private, no-store', 0],
    [
      'stale-while-revalidate',
      'max-age=1, stale-while-revalidate=9',
      'private, max-age=1',
      'private, no-store',
      1,
    ],
    ['private with fields', 'private="x"', 'private, private="x"', 'private, no-store', 0],
  ])('S60, S62: where the app says %s', (_what, said, touched, withCookie, overrides) => {
    const response = (): Response => responseWith(said === null ? {} : { 'Cache-Control': said })
    expect(cached(response(), true)).toEqual([touched, 'Cookie', overrides])
    expect(cached(response(), true, cookie)).toEqual([withCookie, 'Cookie', overrides])
    expect(cached(response(), false, cookie)).toEqual([withCookie, 'Cookie', overrides])
    expect(cached(response(), false)).toEqual([said?.trim() ?? null, null, 0])
  })

  it.each<[string, string | null, string]>([
    ['nothing', null, 'Cookie'],
    ['another field', 'Accept-Language', 'Accept-Language, Cookie'],
    ['Cookie', 'Cookie', 'Cookie'],
    ['cookie among others', 'Accept, cookie ,Origin', 'Accept, cookie ,Origin'],
    ['*', '*', '*'],
    ['a longer name', 'X-Cookie, Cookie2', 'X-Cookie, Cookie2, Cookie'],
  ])('S61: Vary has Cookie exactly once where the app says %s', (_what, said, expected) => {
    const response = (): Response => responseWith(said === null ? {} : { Vary: said })
    expect(cached(response(), true)[1]).toBe(expected)
    expect(cached(response(), false, cookie)[1]).toBe(expected)
    expect(cached(response(), false)[1]).toBe(said)
  })

  it.each([
    'CDN-Cache-Control',
    'Vercel-CDN-Cache-Control',
    'Cloudflare-CDN-Cache-Control',
    'Surrogate-Control',
    'Edge-Control',
    'X-Accel-Expires',
  ])('S60: %s, which a cache would obey before Cache-Control, is taken off', (field) => {
    const response = (): Response => responseWith({ [field]: 'max-age=600', 'X-Cdn': 'stays' })
    const looked = response()
    expect(cached(looked, true)).toEqual(['private', 'Cookie', 1])
    expect(looked.headers.has(field)).toBe(false)
    expect(looked.headers.get('x-cdn')).toBe('stays')
    const untouched = response()
    expect(cached(untouched, false)).toEqual([null, null, 0])
    expect(untouched.headers.has(field)).toBe(true)
  })

  it('S60: a redirect and an immutable response are told the same', async () => {
    const redirect = Response.redirect('https://shop.example/', 303)
    expect(cached(redirect, false, cookie)).toEqual(['private, no-store', 'Cookie', 0])
    expect(cached(await immutable(), true)).toEqual(['private', 'Cookie', 0])
  })

  it('S34: tells of an override once, also where it has to copy', () => {
    const headers = { Vary: 'Cookie', 'Cache-Control': 'public' }
    expect(cached(freezeHeaders(responseWith(headers)), true)).toEqual(['private', 'Cookie', 1])
  })

  it('S63: a 304 that sets our cookie is told so too', () => {
    const response = new Response(null, { status: 304, headers: { ETag: '"1"' } })
    expect(cached(response, true, cookie)).toEqual(['private, no-store', 'Cookie', 0])
    expect(response.headers.get('etag')).toBe('"1"')
  })

  it('S64: a cookie of our name that the app has set gives way to ours, all others stay', () => {
    const response = new Response()
    const { name } = cookie
    for (const line of ['a=1', `${name}=forged; Path=/`, `${name}2=x`, `x=${name}=`]) {
      response.headers.append('Set-Cookie', line)
    }
    const set = apply(response, cookie).headers.getSetCookie()
    expect(set).toEqual(['a=1', `${name}2=x`, `x=${name}=`, cookie.header])
  })
})

function freezeHeaders(response: Response): Response {
  const refuse = (): never => {
    throw new TypeError('immutable')
  }
  Object.assign(response.headers, { append: refuse, set: refuse, delete: refuse })
  return response
}
