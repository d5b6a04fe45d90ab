import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
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

  it('A1: adds the cookie to a copy, and leaves the response as it was', async () => {
    const init = { status: 201, statusText: 'Made', headers: { 'X-Shop': 'yes' } }
    const response = Response.json({ a: 1 }, init)
    const before = [...response.headers]
    const answer = apply(response, cookie)
    expect(answer).not.toBe(response)
    expect([answer.status, answer.statusText]).toEqual([201, 'Made'])
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
    expect(answer.headers.get('x-shop')).toBe('yes')
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.has('server-timing')).toBe(false)
    expect([...response.headers]).toEqual(before)
    expect(await answer.json()).toEqual({ a: 1 })
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

  it('keeps the body of a fetch if its response is collected before the body is read', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const answer = apply(await immutable(), cookie)
    for (let round = 0; round < 5; round++) {
      collect()
      await new Promise((resolve) => void setTimeout(resolve, 5))
    }
    expect(await answer.text()).toBe('hello')
  })

  it('A1: never calls what changes a frozen response', () => {
    const frozen = frozenResponse(null, {
      status: 302,
      headers: [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2, c'],
        ['Location', '/'],
      ],
    })
    const answer = apply(frozen, cookie, 'saved')
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2, c', cookie.header])
    expect(answer.headers.get('location')).toBe('/')
    expect(frozen.headers.getSetCookie()).toEqual(['a=1', 'b=2, c'])
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
    const answer = apply(new Response(body), cookie)
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
    expect(answer.body).toBe(body)
    expect(answer.bodyUsed).toBe(false)
    expect(pulls).toBe(0)
    expect(await answer.text()).toBe('012')
  })

  it.each<[what: string, response: () => Response, advice: string]>([
    ['Response.error()', () => Response.error(), 'the status 0, such as Response.error()'],
    ['a status of 101', () => ofAnotherClass({ status: 101 }), 'sessions.open)'],
    ['a status of 600', () => ofAnotherClass({ status: 600 }), 'from 200 to 599'],
    ['a body that is being read', lockedResponse, 'return a new Response for each request'],
  ])('C3: refuses %s, and says what to return', (_what, response, advice) => {
    expect(() => apply(response(), cookie)).toThrow(TypeError)
    expect(() => apply(response(), cookie)).toThrow(advice)
    expect(() => apply(response(), cookie)).toThrow('its cookie and headers are lost')
    const same = response()
    expect(apply(same, null)).toBe(same)
  })

  it('C3: refuses a body that has been read', async () => {
    const response = new Response('page')
    await response.text()
    expect(() => apply(response, cookie)).toThrow('The response body has been read')
  })

  it.each([204, 205, 304])('keeps %i, a status without a body', (status) => {
    const answer = apply(new Response(null, { status }), cookie)
    expect(answer.status).toBe(status)
    expect(answer.body).toBeNull()
    expect(answer.headers.getSetCookie()).toEqual([cookie.header])
    const other = ofAnotherClass({ status, body: new Response('').body })
    expect(apply(other, cookie).body).toBeNull()
  })

  it('makes a plain response of a subclass', async () => {
    class OwnResponse extends Response {
      readonly cookies = new Map()
    }
    const answer = apply(new OwnResponse('page', { headers: { 'X-Own': 'yes' } }), cookie)
    expect(answer.constructor).toBe(Response)
    expect(answer.headers.get('x-own')).toBe('yes')
    expect(await answer.text()).toBe('page')
  })

  it('S64: keeps the Set-Cookie lines that another class joins when it is iterated, as node-fetch does', () => {
    const lines = ['a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT', 'b=2']
    const response = (): Response =>
      ofAnotherClass({ headers: joiningHeaders({ 'set-cookie': lines, 'x-shop': ['yes'] }) })
    const { headers } = apply(response(), cookie)
    expect(headers.getSetCookie()).toEqual([...lines, cookie.header])
    expect(headers.get('x-shop')).toBe('yes')
    expect(apply(response(), null, 'saved').headers.getSetCookie()).toEqual(lines)
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
    const response = responseWith({ [field]: 'max-age=600', 'X-Cdn': 'stays' })
    expect(cached(response, true)).toEqual(['private', 'Cookie', 1])
    const { headers } = apply(response, cookie)
    expect(headers.has(field)).toBe(false)
    expect(headers.get('x-cdn')).toBe('stays')
    expect(cached(response, false)).toEqual([null, null, 0])
    expect(response.headers.has(field)).toBe(true)
  })

  it('S60: a redirect and an immutable response are told the same', async () => {
    const redirect = Response.redirect('https://shop.example/', 303)
    expect(cached(redirect, false, cookie)).toEqual(['private, no-store', 'Cookie', 0])
    expect(cached(await immutable(), true)).toEqual(['private', 'Cookie', 0])
  })

  it('S34: tells of an override once for each response', () => {
    const response = responseWith({ Vary: 'Cookie', 'Cache-Control': 'public' })
    expect(cached(response, true)).toEqual(['private', 'Cookie', 1])
    expect(cached(response, true)).toEqual(['private', 'Cookie', 1])
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

/** The lines that a response may have of its own. */
const ownLines = fc.array(
  fc.constantFrom<[string, string]>(
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2; Path=/, c'],
    ['Set-Cookie', `${cookie.name}=forged`],
    ['Vary', 'Accept'],
    ['Vary', 'cookie'],
    ['Vary', '*'],
    ['Cache-Control', 'public, max-age=60'],
    ['Cache-Control', 'no-store'],
    ['Server-Timing', 'db;dur=5'],
    ['Clear-Site-Data', '"storage"'],
    ['CDN-Cache-Control', 'max-age=60'],
    ['Location', '/'],
  ),
  { maxLength: 8 },
)

const oneCommit = fc.record({
  cookie: fc.constantFrom(null, cookie),
  touched: fc.boolean(),
  clearSiteData: fc.constantFrom(null, '"cache"'),
  explain: fc.constantFrom(null, 'saved'),
  onOverride: fc.constant(() => {}),
})

describe('one response for many requests', () => {
  it('A1: any commits give what each gives alone, and the response stays as it was', () => {
    const status = fc.constantFrom(200, 204, 303, 304)
    const requests = fc.array(oneCommit, { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(ownLines, status, requests, fc.boolean(), (headers, code, commits, isFrozen) => {
        const init = { status: code, headers }
        const shared = isFrozen ? frozenResponse(null, init) : new Response(null, init)
        for (const changes of commits) {
          const answer = applyToResponse(shared, changes)
          const alone = applyToResponse(new Response(null, init), changes)
          expect([...answer.headers]).toEqual([...alone.headers])
          expect(answer.status).toBe(code)
        }
        expect([...shared.headers]).toEqual([...new Response(null, init).headers])
      }),
    )
  })

  it('A1, S60, S61, S64: any headers get what the commit says, and keep every other Set-Cookie', () => {
    fc.assert(
      fc.property(ownLines, oneCommit, (headers, changes) => {
        const response = new Response(null, { headers })
        const answer = applyToResponse(response, changes).headers
        const own = response.headers.getSetCookie()
        const set = answer.getSetCookie()
        const others = own.filter((line) => !line.startsWith(`${cookie.name}=`))
        expect(set).toEqual(changes.cookie === null ? own : [...others, cookie.header])
        const caching = answer.get('Cache-Control') ?? ''
        if (changes.cookie !== null) expect(caching).toBe('private, no-store')
        if (!changes.touched && changes.cookie === null) return
        expect(caching).toMatch(/private|no-store/)
        expect(caching).not.toMatch(/public|s-maxage/)
        expect(answer.get('Vary')).toMatch(/\*|cookie/i)
        expect(answer.has('CDN-Cache-Control')).toBe(false)
      }),
    )
  })
})

/** Every way to change it, or its headers, throws. */
function frozenResponse(body: null, init: ResponseInit): Response {
  const response = new Response(body, init)
  const refuse = (): never => {
    throw new Error('the response of the app was changed')
  }
  Object.assign(response.headers, { append: refuse, set: refuse, delete: refuse })
  Object.freeze(response.headers)
  return Object.freeze(response)
}

function lockedResponse(): Response {
  const response = new Response('page')
  response.body?.getReader()
  return response
}

/** A response of a class that is not the runtime's. */
function ofAnotherClass(parts: Partial<Response>): Response {
  const usual = { status: 200, statusText: '', headers: new Headers(), body: null, bodyUsed: false }
  return { ...usual, ...parts } as Response
}

/** Headers as node-fetch has them. */
function joiningHeaders(lines: Record<string, readonly string[]>): Headers {
  const joined = Object.entries(lines).map(([name, values]) => [name, values.join(', ')])
  return {
    append: () => {},
    raw: () => lines,
    [Symbol.iterator]: () => joined.values(),
  } as unknown as Headers
}
