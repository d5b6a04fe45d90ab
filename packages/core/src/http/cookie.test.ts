import { afterEach, describe, expect, it, vi } from 'vitest'
import { randomFrom } from '../../test/fakes/random.ts'
import { deleteCookie, readCookieOptions, readCookies, writeCookie } from './cookie.ts'
import { maxCookieAge } from './cookie.ts'
import type { CookieOptions } from './cookie.ts'
import { SessionError } from '../errors.ts'

const TOKEN = `${'aZ09-_'.repeat(7)}A`

function header(options: CookieOptions, age = 3600): string {
  return writeCookie(readCookieOptions(options), TOKEN, age).header
}

/** The message of the refusal. */
function refusal(options: unknown): string {
  try {
    readCookieOptions(options as CookieOptions)
  } catch (error) {
    if (error instanceof SessionError && error.code === 'invalid-option') return error.message
    throw error
  }
  throw new Error(`it was not refused: ${JSON.stringify(options)}`)
}

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the Set-Cookie header', () => {
  it.each<[string, CookieOptions, string]>([
    ['S20, S21, S51: by default', {}, '__Host-Http-sid=T; Path=/; HttpOnly; Secure; SameSite=Lax'],
    [
      'S22: with a domain',
      { domain: 'Shop.example.com' },
      '__Secure-sid=T; Path=/; Domain=Shop.example.com; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'with a domain of one-letter labels',
      { domain: 'a.b.c' },
      '__Secure-sid=T; Path=/; Domain=a.b.c; HttpOnly; Secure; SameSite=Lax',
    ],
    ['with a path', { path: '/app' }, '__Secure-sid=T; Path=/app; HttpOnly; Secure; SameSite=Lax'],
    [
      'with the longest path',
      { path: `/${'a'.repeat(1023)}` },
      `__Secure-sid=T; Path=/${'a'.repeat(1023)}; HttpOnly; Secure; SameSite=Lax`,
    ],
    ['over plain http', { plainHttp: true }, 'sid=T; Path=/; HttpOnly; SameSite=Lax'],
    [
      'over plain http with a name',
      { plainHttp: true, name: 'dev', sameSite: 'strict' },
      'dev=T; Path=/; HttpOnly; SameSite=Strict',
    ],
    ['with a name', { name: '__Host-x' }, '__Host-x=T; Path=/; HttpOnly; Secure; SameSite=Lax'],
    [
      'with a name and a domain',
      { name: '__Secure-shop', domain: 'a.example', path: '/b' },
      '__Secure-shop=T; Path=/b; Domain=a.example; HttpOnly; Secure; SameSite=Lax',
    ],
    [
      'strict',
      { sameSite: 'strict' },
      '__Host-Http-sid=T; Path=/; HttpOnly; Secure; SameSite=Strict',
    ],
    [
      'S69: partitioned, for embedding',
      { sameSite: 'none', partitioned: true },
      '__Host-Http-sid=T; Path=/; HttpOnly; Secure; SameSite=None; Partitioned',
    ],
    [
      'persistent',
      { persistent: true },
      '__Host-Http-sid=T; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=3600',
    ],
    [
      'in every way at once',
      {
        name: '__Secure-x',
        domain: 'a.example',
        path: '/b',
        sameSite: 'none',
        partitioned: true,
        persistent: true,
        plainHttp: false,
      },
      '__Secure-x=T; Path=/b; Domain=a.example; HttpOnly; Secure; SameSite=None; Partitioned; ' +
        'Max-Age=3600',
    ],
  ])('%s', (_when, options, expected) => {
    expect(header(options)).toBe(expected.replace('=T;', `=${TOKEN};`))
  })

  it('S24: is below 128 bytes by default', () => {
    expect(header({}).length).toBeLessThan(128)
  })

  it('S21: takes SameSite in capitals, as people copy it from the header', () => {
    expect(header({ sameSite: 'Strict' as 'strict' })).toContain('; SameSite=Strict')
    expect(header({ sameSite: 'NONE' as 'none' })).toContain('; SameSite=None')
  })

  it('S65: has a Max-Age of at most 400 days', () => {
    expect(maxCookieAge).toBe(400 * 24 * 60 * 60)
    expect(header({ persistent: true }, maxCookieAge)).toContain('; Max-Age=34560000')
    expect(header({ persistent: true }, maxCookieAge + 1)).toContain('; Max-Age=34560000')
    expect(header({ persistent: true }, 1)).toMatch(/; Max-Age=1$/)
  })

  it('S51: has no Max-Age and no Expires unless persistence is asked for', () => {
    for (const options of [{}, { domain: 'a' }, { plainHttp: true }, { persistent: false }]) {
      const cookie = writeCookie(readCookieOptions(options), TOKEN, 5)
      expect(cookie.header).not.toMatch(/Max-Age|Expires/i)
      expect(cookie).not.toHaveProperty('maxAge')
    }
  })

  it('says the same as its parts, for frameworks that write the header themselves', () => {
    const form = readCookieOptions({ domain: 'a.example', persistent: true, partitioned: true })
    expect(writeCookie(form, TOKEN, 60)).toEqual({
      name: '__Secure-sid',
      value: TOKEN,
      domain: 'a.example',
      path: '/',
      httpOnly: true,
      secure: true,
      sameSite: 'lax',
      partitioned: true,
      maxAge: 60,
      header:
        `__Secure-sid=${TOKEN}; Path=/; Domain=a.example; HttpOnly; Secure; SameSite=Lax; ` +
        'Partitioned; Max-Age=60',
    })
    expect(Object.keys(writeCookie(readCookieOptions(), TOKEN, 60))).not.toContain('domain')
  })

  it.each<[string, CookieOptions]>([
    ['the defaults', {}],
    ['a domain', { domain: 'a.example' }],
    ['a path', { path: '/b' }],
    ['a persistent cookie', { persistent: true }],
    ['a partitioned cookie', { partitioned: true, sameSite: 'none' }],
    ['plain http', { plainHttp: true }],
  ])('S48: deletes with every attribute that it set, for %s', (_kind, options) => {
    const form = readCookieOptions(options)
    const set = writeCookie(form, TOKEN, 60)
    const { header: deletion, ...parts } = deleteCookie(form)
    const bare = set.header.replace('; Max-Age=60', '').replace(TOKEN, '')
    expect(deletion).toBe(`${bare}; Max-Age=0`)
    expect({ ...parts, header: '' }).toEqual({ ...set, value: '', maxAge: 0, header: '' })
  })
})

describe('cookie options', () => {
  it.each<[string, unknown, string]>([
    ['S20: __Host- with a domain', { name: '__Host-sid', domain: 'a.example' }, 'cookie.name'],
    ['S20: __Host- with a path', { name: '__Host-sid', path: '/a' }, 'cookie.name'],
    ['S20: __Host-Http- with a domain', { name: '__Host-Http-sid', domain: 'a' }, 'cookie.name'],
    ['S20: __Host- without Secure', { name: '__Host-sid', plainHttp: true }, 'cookie.name'],
    ['S20: __Secure- without Secure', { name: '__Secure-sid', plainHttp: true }, 'cookie.name'],
    ['S20: __Http- without Secure', { name: '__Http-sid', plainHttp: true }, 'cookie.name'],
    ['S20: a prefix in other letters', { name: '__hOST-sid', domain: 'a.example' }, 'cookie.name'],
    ['S21: none without Secure', { sameSite: 'none', plainHttp: true }, 'cookie.sameSite'],
    ['S21: a misspelt SameSite', { sameSite: 'laxx' }, 'cookie.sameSite'],
    ['S21: no text as SameSite', { sameSite: true }, 'cookie.sameSite'],
    ['partitioned without Secure', { partitioned: true, plainHttp: true }, 'cookie.partitioned'],
    ['a partitioned that is no boolean', { partitioned: 'yes' }, 'cookie.partitioned'],
    ['a persistent that is no boolean', { persistent: 3600 }, 'cookie.persistent'],
    ['a plainHttp that is no boolean', { plainHttp: 'dev' }, 'cookie.plainHttp'],
    ['an option that does not exist', { maxAge: 60 }, 'cookie.maxAge'],
    ['S23: httpOnly, which cannot be switched off', { httpOnly: false }, 'cookie.httpOnly'],
    ['S20: secure, which cannot be switched off', { secure: false }, 'cookie.secure'],
    ['a misspelt option', { samesite: 'lax' }, 'cookie.samesite'],
    ['no object', 'sid', 'cookie must be an object'],
    ['null', null, 'cookie must be an object'],
    ['S66: an empty name', { name: '' }, 'cookie.name'],
    ['S66: a name too long', { name: 'a'.repeat(257) }, 'cookie.name'],
    ['S66: a name that is no text', { name: 5 }, 'cookie.name'],
    ['S66: an empty domain', { domain: '' }, 'cookie.domain'],
    ['S66: a domain with a leading dot', { domain: '.example.com' }, 'cookie.domain'],
    ['S66: a domain with a dot at the end', { domain: 'example.com.' }, 'cookie.domain'],
    ['S66: a domain with an empty label', { domain: 'a..example' }, 'cookie.domain'],
    ['S66: a domain with a label of hyphens', { domain: '-a.example' }, 'cookie.domain'],
    ['S66: a domain with a label too long', { domain: `${'a'.repeat(64)}.com` }, 'cookie.domain'],
    ['S66: a domain too long', { domain: `${'a.'.repeat(127)}aa` }, 'cookie.domain'],
    ['S66: a domain with a port', { domain: 'example.com:443' }, 'cookie.domain'],
    ['S66: a URL as domain', { domain: 'https://example.com' }, 'cookie.domain'],
    ['S66: a domain that is no text', { domain: 7 }, 'cookie.domain'],
    ['S66: an empty path', { path: '' }, 'cookie.path'],
    ['S66: a path without a slash', { path: 'app' }, 'cookie.path'],
    ['S66: a path with a slash that is not the first', { path: 'app/a' }, 'cookie.path'],
    ['S66: a path too long', { path: `/${'a'.repeat(1024)}` }, 'cookie.path'],
    ['S66: a path that is no text', { path: 1 }, 'cookie.path'],
    ['S66: a path that adds an attribute', { path: '/; Domain=evil.example' }, 'cookie.path'],
  ])('refuses %s', (_what, options, option) => {
    expect(refusal(options)).toContain(`createSessions: ${option}`)
  })

  it('S66, CVE-2024-47764, CVE-2026-29086: refuses what would break out of any', () => {
    const breakers = [';', '\r', '\n', '\0', '\x1f', '\x7f', '\x80', 'é', '\u2028', '\ud800']
    for (const breaker of breakers) {
      for (const option of ['name', 'domain', 'path']) {
        for (const text of [`/a${breaker}b`, `a${breaker}`, `/a${breaker}`, `${breaker}a`]) {
          expect(refusal({ [option]: text })).toContain(`createSessions: cookie.${option}`)
        }
      }
    }
  })

  it('S66: refuses in a path what parsers read differently', () => {
    for (const character of ' \t,"\\'.split('')) {
      expect(refusal({ path: `/a${character}b` })).toContain('createSessions: cookie.path')
      expect(refusal({ path: `/${character}` })).toContain('createSessions: cookie.path')
    }
    const path = "/!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~"
    expect(readCookieOptions({ path }).attributes.path).toBe(path)
  })

  it('S66: refuses separators in names and domains', () => {
    for (const separator of '()<>@,:"/[]?={}\\\t '.split('')) {
      expect(refusal({ name: `a${separator}b` })).toContain('cookie.name')
      expect(refusal({ domain: `a${separator}b.example` })).toContain('cookie.domain')
    }
  })

  it('S20: takes a name for plain http that has a prefix of browsers in its midst', () => {
    expect(readCookieOptions({ name: 'my__host-sid', plainHttp: true }).name).toBe('my__host-sid')
  })

  it('S20: refuses plain http where NODE_ENV is production, and only there', () => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(refusal({ plainHttp: true })).toContain('cookie.plainHttp is for development')
    expect(readCookieOptions({}).name).toBe('__Host-Http-sid')
    expect(readCookieOptions({ plainHttp: false }).name).toBe('__Host-Http-sid')
    vi.stubEnv('NODE_ENV', 'development')
    expect(readCookieOptions({ plainHttp: true }).name).toBe('sid')
  })

  it('says of a misspelt option which there are', () => {
    expect(refusal({ samesite: 'lax' })).toBe(
      'createSessions: cookie.samesite is no option: there are name, domain, path, sameSite, ' +
        'partitioned, persistent, plainHttp, secure, trustProxy, former',
    )
  })

  it('takes every character that a name may have', () => {
    const name = "!#$%&'*+-.^_`|~09AZaz"
    expect(readCookieOptions({ name }).name).toBe(name)
    expect(readCookieOptions({ name: 'a'.repeat(256) }).name).toHaveLength(256)
  })
})

const N = '__Host-Http-sid'

describe('reading cookies', () => {
  it.each<[about: string, header: string, values: string[]]>([
    ['no cookie', '', []],
    ['ours alone', `${N}=v`, ['v']],
    ['ours first', `${N}=v; a=1`, ['v']],
    ['ours last', `a=1; ${N}=v`, ['v']],
    ['ours between others', `a=1; ${N}=v; b=2`, ['v']],
    ['no space after the semicolon', `a=1;${N}=v;b=2`, ['v']],
    ['two spaces after the semicolon', `a=1;  ${N}=v`, ['v']],
    ['a tab after the semicolon', `a=1;\t${N}=v`, ['v']],
    ['spaces and tabs around everything', ` \t${N} \t= \tv \t; a=1`, ['v']],
    ['semicolons alone', ';;;', []],
    ['a semicolon at both ends', `;${N}=v;`, ['v']],
    ['an empty value', `${N}=`, ['']],
    ['an empty value between others', `a=1; ${N}=; b=2`, ['']],
    ['a value of blanks', `${N}= \t `, ['']],
    ['a name without =', N, []],
    ['a name without =, and one with', `${N}; ${N}=v`, ['v']],
    ['an = of the next cookie', `${N}; a=v`, []],
    ['= in the value', `${N}=a=b==`, ['a=b==']],
    ['= at once', `${N}==v`, ['=v']],
    ['no name', '=v', []],
    ['no name, ours as the value (nameless cookies)', `=${N}=v`, []],
    ['no name and blanks', ` = ${N}=v`, []],
    ['quotes, which stay', `${N}="v"`, ['"v"']],
    ['a semicolon in quotes, which ends the value', `${N}="a;b"`, ['"a']],
    ['a backslash', `${N}=a\\"b`, ['a\\"b']],
    ['percent signs in the value, which stay', `${N}=a%3Db%`, ['a%3Db%']],
    ['CVE-2020-8184: a percent sign in the name', '__Host%2DHttp-sid=evil', []],
    ['CVE-2020-8184: the whole name in percent signs', '%5F%5FHost-Http-sid=evil', []],
    ['CVE-2020-8184: both spellings', `__Host%2DHttp-sid=evil; ${N}=v`, ['v']],
    ['a percent sign that is malformed', `junk=%; ${N}=v`, ['v']],
    ['a name of one percent sign', `%=1; ${N}=v`, ['v']],
    ['bytes that are no UTF-8', `x=%C3%28; ${N}=v`, ['v']],
    ['a plus in the value', `${N}=a+b`, ['a+b']],
    ['a comma, which separates nothing', `a=1, ${N}=v`, []],
    ['a comma in the value', `${N}=a, b=c`, ['a, b=c']],
    ['$Version, which means nothing', `$Version=1; ${N}=v; $Path=/`, ['v']],
    ['$Version in quotes', `$Version="1"; ${N}="v"; $Domain=x`, ['"v"']],
    ['another case of the name', '__host-http-SID=evil', []],
    ['a longer name', `${N}2=evil; x${N}=evil`, []],
    ['a shorter name', '__Host-Http-si=evil', []],
    ['ours as a value', `a=${N}; b=${N}=v`, []],
    ['CVE-2026-39410: NBSP before the name', `\u00a0${N}=evil`, []],
    ['CVE-2026-39410: NBSP after the name', `${N}\u00a0=evil`, []],
    ['CVE-2026-39410: a BOM before the name', `\ufeff${N}=evil`, []],
    ['CVE-2026-39410: U+2000 before the name', `\u2000${N}=evil`, []],
    ['CVE-2026-39410: U+3000 before the name', `a=1; \u3000${N}=evil`, []],
    ['CVE-2026-39410: U+2028 before the name', `\u2028${N}=evil`, []],
    ['CVE-2026-39410: U+0085 before the name', `\x85${N}=evil`, []],
    ['CVE-2026-39410: UTF-8 of NBSP as Latin-1', `\u00c2\u00a0${N}=evil`, []],
    ['CVE-2026-39410: a vertical tab before the name', `\v${N}=evil`, []],
    ['CVE-2026-39410: a form feed before the name', `\f${N}=evil`, []],
    ['CVE-2026-39410: a line before the name', `\n${N}=evil; \r${N}=evil`, []],
    ['NUL before the name', `\0${N}=evil`, []],
    ['NBSP at the ends of the value, which stay', `${N}=\u00a0v\u00a0`, ['\u00a0v\u00a0']],
    ['a line in the value, which stays', `${N}=\r\nv`, ['\r\nv']],
    ['NUL in the value, which stays', `${N}=v\0`, ['v\0']],
    ['blanks inside the value, which stay', `${N}= a\t b `, ['a\t b']],
    ['letters beyond ASCII', `é=ü; ${N}=é\u{1f600}`, ['é\u{1f600}']],
    ['half a surrogate pair', `\ud800=\udfff; ${N}=\ud800`, ['\ud800']],
    ['S59: ours twice', `${N}=a; ${N}=b`, ['a', 'b']],
    ['S59: ours twice with one value', `${N}=a; ${N}=a`, ['a']],
    ['S59: ours twice with one value, then another', `${N}=a; ${N}=a; ${N}=b`, ['a', 'b']],
    ['S59: ours twice and empty', `${N}=; ${N}=`, ['']],
    ['S59: ours twice, once empty', `${N}=; ${N}=b`, ['', 'b']],
    ['S59: ours three times, of which two are told', `${N}=a; b=1; ${N}=b; ${N}=c`, ['a', 'b']],
    ['S68: two header lines joined', `a=1; ${N}=a; b=2; ${N}=b`, ['a', 'b']],
    ['names of objects', `__proto__=a; constructor=b; toString=c; ${N}=v`, ['v']],
    ['a letter of the name in full width', '__Host-Http-ｓid=evil', []],
  ])('S67: %s', (_about, text, values) => {
    expect(readCookies(text, N)).toEqual(values)
    expect(oracle(text, N)).toEqual(values)
  })

  it('S56: reads a megabyte of one value, of one name, and of other cookies', () => {
    // Compared before `expect`, which would take minutes to show where such texts differ.
    const big = 'x'.repeat(1_000_000)
    expect(readCookies(`${N}=${big}`, N)[0] === big).toBe(true)
    expect(readCookies(`${big}=1; ${N}=v`, N)).toEqual(['v'])
    expect(readCookies(`${'a=1; '.repeat(200_000)}${N}=v`, N)).toEqual(['v'])
    const blanks = ' '.repeat(1_000_000)
    expect(readCookies(`${blanks}${N}=v${'\t'.repeat(1_000_000)}`, N)[0] === 'v').toBe(true)
    expect(readCookies('='.repeat(1_000_000), N)).toEqual([])
    // In quadratic time these two would take minutes.
    expect(readCookies(`${';'.repeat(4_000_000)}`, N)).toEqual([])
    expect(readCookies(`${';'.repeat(4_000_000)}${N}=v`, N)).toEqual(['v'])
  })

  it('S67: gives what a slow reading of rule 11 gives, on 300,000 headers', () => {
    const random = randomFrom(20_260_316)
    const pieces = [
      's',
      'sid',
      'sid=',
      'sid=a',
      '=',
      ';',
      '; ',
      ' ',
      '\t',
      '%',
      '%73id=',
      '"',
      ',',
      '\u00a0',
      '\ufeff',
      '\u2000',
      '\v',
      '\f',
      '\r\n',
      '\0',
      'SID=',
      '\ud800',
      'x=y',
      '$sid=',
      '; sid=b',
    ]
    const seen = [0, 0, 0]
    for (let run = 0; run < 300_000; run++) {
      let text = ''
      for (let left = random(9); left > 0; left--) text += pieces[random(pieces.length)] as string
      const values = readCookies(text, 'sid')
      if (JSON.stringify(values) !== JSON.stringify(oracle(text, 'sid'))) {
        throw new Error(`run ${run}: ${JSON.stringify(text)} gave ${JSON.stringify(values)}`)
      }
      seen[values.length] = (seen[values.length] ?? 0) + 1
    }
    expect(Math.min(...seen)).toBeGreaterThan(5000)
  })
})

/**
 * Rule 11, letter by letter: raw names, split on `;`, strip only space and tab, first `=`, never
 * decode; two different values at most.
 */
function oracle(text: string, name: string): string[] {
  const parts = ['']
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ';') parts.push('')
    else parts[parts.length - 1] += text.charAt(at)
  }
  const values = []
  for (const part of parts) {
    const [left, ...rest] = part.split('=')
    if (rest.length > 0 && bare(left as string) === name) values.push(bare(rest.join('=')))
  }
  return [...new Set(values)].slice(0, 2)
}

function bare(text: string): string {
  return text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '')
}
