import { describe, expect, it } from 'vitest'
import type { SessionEvent } from '../events.ts'
import type { CookieSource } from './transport.ts'
import { readCookieOptions } from './cookie.ts'
import { readToken } from './read-token.ts'

const form = readCookieOptions({})
const token = 'A'.repeat(43)
const other = `${'B'.repeat(42)}A`
const cookie = `${form.name}=${token}`

function read(source: CookieSource): { token: string | null; events: readonly SessionEvent[] } {
  const events: SessionEvent[] = []
  const found = readToken(source, form, (event) => void events.push(event))
  return { token: found, events }
}

const requestOf = (header: string): Request =>
  new Request('https://app.example/', { headers: { Cookie: header } })

describe('readToken', () => {
  it.each<[string, CookieSource, string | null, string[]]>([
    ['a header', cookie, token, []],
    ['a request', requestOf(cookie), token, []],
    ['a request without cookies', new Request('https://app.example/'), null, []],
    ['one among others', `a=1; ${cookie}; b=2`, token, []],
    ['null', null, null, []],
    ['undefined', undefined, null, []],
    ['an empty header', '', null, []],
    ['another name', `sid=${token}`, null, []],
    ['S59: two different ones', `${cookie}; ${form.name}=${other}`, null, ['token.duplicate']],
    ['rule 1: one twice', `${cookie}; a=1; ${cookie}`, token, []],
    [
      'S59: one twice, and another',
      `${cookie}; ${cookie}; ${form.name}=${other}`,
      null,
      ['token.duplicate'],
    ],
    ['S59: a token and none', `${cookie}; ${form.name}=x`, null, ['token.duplicate']],
    ['S56: an empty value', `${form.name}=`, null, ['token.malformed']],
    ['S56: 42 characters', `${form.name}=${token.slice(1)}`, null, ['token.malformed']],
    ['S56: percent signs', `${form.name}=%0d%0a`, null, ['token.malformed']],
    ['S56: another spelling', `${form.name}=${'A'.repeat(42)}B`, null, ['token.malformed']],
  ])('reads %s', (_name, source, expected, types) => {
    const { token: found, events } = read(source)
    expect(found).toBe(expected)
    expect(events.map(({ type }) => type)).toEqual(types)
  })

  it('takes whatever has headers like a Request, and nothing else', () => {
    const like = (headers: unknown): Request => ({ headers }) as Request
    expect(read(like({ get: (name: string) => (name === 'Cookie' ? cookie : null) })).token).toBe(
      token,
    )
    expect(read(like({ get: () => null })).token).toBeNull()
    const message =
      'sessions: give a Request, or the value of its Cookie header (Node: req.headers.cookie)'
    for (const source of [like({ cookie }), {}, new Headers({ Cookie: cookie }), 5]) {
      expect(() => read(source as Request)).toThrow(new TypeError(message))
    }
  })

  it('S33: puts nothing of the cookie into an event', () => {
    const { events } = read(`${form.name}=secret-secret; ${form.name}=${token}`)
    expect(events).toEqual([{ type: 'token.duplicate' }])
    expect(read(`${form.name}=secret-secret`).events).toEqual([{ type: 'token.malformed' }])
  })
})
