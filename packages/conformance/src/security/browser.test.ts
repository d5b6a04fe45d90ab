/** In chromium, over https, with three hosts: the application, a sibling that an attacker controls, their parent. */
import { createSessions } from '@coatcheck/core'
import type { CookieOptions, SessionEvent, Sessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { launchChromium } from '@coatcheck/harness/chromium'
import type { Browser } from '@coatcheck/harness/chromium'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serveHttp, serveHttps } from './https.ts'
import type { HttpsSite } from './https.ts'

type Data = Record<string, unknown>
type Context = Awaited<ReturnType<Browser['newContext']>>
type Page = Awaited<ReturnType<Context['newPage']>>

const app = 'https://app.example.test'
const evil = 'https://evil.example.test'
const parent = 'https://example.test'
const name = '__Host-Http-sid'

let browser: Browser
let site: HttpsSite
let context: Context
let page: Page
let ahead = 0
let pages = 0
let plainOrigin = ''
let events: SessionEvent[] = []
let sessions: Sessions<Data>

function build(cookie: CookieOptions = {}, rotate?: number): void {
  events = []
  ahead = 0
  const now = (): number => Date.now() + ahead
  sessions = createSessions<Data>({
    store: memoryStore({ now }),
    testing: { now },
    cookie,
    lifetime: rotate === undefined ? {} : { rotate },
    onEvent: (event) => events.push(event),
  })
}

const html = (text: string, headers: Record<string, string> = {}): Response =>
  new Response(`<!doctype html><title>t</title>${text}`, {
    headers: { 'Content-Type': 'text/html', ...headers },
  })

/** The attacker's hosts set whatever cookies the query asks for. */
function attack(url: URL): Response {
  const response = html('<p>nothing to see</p>')
  for (const line of url.searchParams.getAll('set')) {
    response.headers.append('Set-Cookie', Buffer.from(line, 'base64url').toString('latin1'))
  }
  return response
}

async function answer(request: Request): Promise<Response> {
  const url = new URL(request.url)
  if (url.pathname === '/careless') return html(`<p>account of ann, ${++pages}</p>`)
  if (url.origin !== app && url.origin !== plainOrigin) return attack(url)
  return sessions.handle(request, async (session) => {
    const { data } = session
    switch (url.pathname) {
      case '/favicon.ico':
        return new Response(null, { status: 204 })
      case '/login':
        session.signIn('ann')
        data['user'] = 'ann'
        return html('<p>welcome</p>')
      case '/renew':
        session.renew()
        break
      case '/logout':
        session.destroy()
        return new Response(null, { status: 303, headers: { Location: '/bye' } })
      case '/logout-clearing':
        session.destroy({ clearSiteData: ['cache'] })
        return new Response(null, { status: 303, headers: { Location: '/bye' } })
      case '/bye':
      case '/other':
        return html(`<p>${url.pathname.slice(1)}</p>`)
      case '/account':
      case '/account-unstored':
        return html(
          `<p>account of ${String(data['user'] ?? 'nobody')}</p>` +
            '<form method=post action=/logout><button>out</button></form>',
          url.pathname === '/account' ? {} : { 'Cache-Control': 'no-store' },
        )
      default:
    }
    const { state, subject } = session
    return Response.json({
      state,
      subject,
      user: data['user'] ?? null,
      cookie: request.headers.get('Cookie'),
    })
  })
}

interface Seen {
  readonly state: string
  readonly user: string | null
  readonly cookie: string | null
}

async function see(path = '/state'): Promise<Seen> {
  await page.goto(`${app}${path}`)
  return JSON.parse((await page.textContent('body')) as string) as Seen
}

async function setFrom(from: string, ...lines: readonly string[]): Promise<void> {
  const query = lines.map((line) => `set=${Buffer.from(line, 'latin1').toString('base64url')}`)
  await page.goto(`${from}/?${query.join('&')}`)
}

/** What the jar has of a name, byte by byte. */
async function jar(
  of = name,
): Promise<readonly { value: string; domain: string; partitionKey?: string }[]> {
  return (await context.cookies()).filter((cookie) => cookie.name === of)
}

const forgedToken = 'B'.repeat(42) + 'A'

beforeAll(async () => {
  site = await serveHttps(answer)
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await site.close()
})
beforeEach(async () => {
  build()
  context = await browser.newContext({ ignoreHTTPSErrors: true, proxy: { server: site.proxy } })
  page = await context.newPage()
})
afterEach(() => context.close())

describe('a sibling subdomain', () => {
  const planted = [
    `${name}=${forgedToken}; Domain=example.test; Path=/; Secure; HttpOnly`,
    `${name}=${forgedToken}; Domain=example.test; Path=/state; Secure; HttpOnly`,
    `${name}=${forgedToken}; Domain=.example.test; Path=/; Secure`,
    `__host-http-sid=${forgedToken}; Domain=example.test; Path=/; Secure`,
    `__HOST-HTTP-SID=${forgedToken}; Domain=example.test; Path=/; Secure`,
    `=${name}=${forgedToken}; Domain=example.test; Path=/; Secure`,
  ]

  it('S20, S22: cannot plant a session before the visitor comes, nor shadow an existing one', async () => {
    for (const from of [evil, parent]) {
      await context.clearCookies()
      await setFrom(from, ...planted)
      expect(await see()).toMatchObject({ state: 'new', cookie: null })
      await page.goto(`${app}/login`)
      await setFrom(from, ...planted)
      const seen = await see()
      expect(seen).toMatchObject({ state: 'live', user: 'ann' })
      expect(seen.cookie).toMatch(new RegExp(`^${name}=[\\w-]{43}$`))
      expect(await jar()).toMatchObject([{ domain: 'app.example.test' }])
    }
    expect(events.filter(({ type }) => type === 'token.duplicate')).toEqual([])
  })

  it('S20: this test notices: a cookie without the prefix is planted and sent', async () => {
    await setFrom(evil, `sid=${forgedToken}; Domain=example.test; Path=/; Secure`)
    expect((await see()).cookie).toBe(`sid=${forgedToken}`)
    build({ name: 'sid' })
    await see()
    expect(events[0]).toMatchObject({ type: 'token.unknown' })
  })

  it('CVE-2020-8184, CVE-2020-7070, CVE-2026-39410, S67: forges no prefix by encoding, case or blanks', async () => {
    const names = [
      '__Host%2DHttp-sid',
      '%5F%5FHost-Http-sid',
      '__Host-Http%2Dsid',
      '__Host-Http-s%69d',
      '\u00a0__Host-Http-sid',
      '__Host-Http-sid\u00a0',
      '\u00e2\u0080\u0080__Host-Http-sid',
      '__Host-Http-sid\u00c2\u00a0',
      '\u00ef\u00bb\u00bf__Host-Http-sid',
      '"__Host-Http-sid"',
      '$__Host-Http-sid',
    ]
    const planted = names.map(
      (each) => `${each}=${forgedToken}; Domain=example.test; Path=/; Secure`,
    )
    await page.goto(`${app}/login`)
    await setFrom(evil, ...planted)
    const seen = await see()
    expect(seen).toMatchObject({ state: 'live', user: 'ann' })
    // Chromium took some of them and sent them, so the core rejected them.
    expect(seen.cookie?.split(forgedToken).length).toBeGreaterThan(4)
    await context.clearCookies()
    await setFrom(evil, ...planted)
    expect(await see()).toMatchObject({ state: 'new', user: null })
    expect(events.filter(({ type }) => type.startsWith('token'))).toEqual([])
  })

  it('S59: two cookies of one name count as no cookie, in both orders that an attacker can choose', async () => {
    build({ name: 'sid' })
    await page.goto(`${app}/login`)
    const own = (await jar('sid'))[0]?.value as string
    for (const path of ['/state', '/']) {
      await setFrom(evil, `sid=${forgedToken}; Domain=example.test; Path=${path}; Secure`)
      const seen = await see()
      const order = seen.cookie?.split('; ').map((each) => each.slice(4))
      expect(order).toEqual(path === '/' ? [own, forgedToken] : [forgedToken, own])
      expect(seen).toMatchObject({ state: 'new', user: null })
      expect(events.at(-1)).toEqual({ type: 'token.duplicate' })
      await setFrom(evil, `sid=; Domain=example.test; Path=${path}; Max-Age=0; Secure`)
      expect(await see()).toMatchObject({ state: 'live', user: 'ann' })
    }
  })
})

describe('a script on the page', () => {
  it('S23: does not see the session’s cookie in any way', async () => {
    await page.goto(`${app}/login`)
    const value = (await jar())[0]?.value as string
    const seen = await page.evaluate(async () => {
      const all = (globalThis as { cookieStore?: { getAll(): Promise<unknown> } }).cookieStore
      return JSON.stringify([
        document.cookie,
        await all?.getAll(),
        document.documentElement.outerHTML,
      ])
    })
    expect(value).toMatch(/^[\w-]{43}$/)
    expect(seen).not.toContain(value)
    expect(seen).not.toContain(name)
  })

  it('S20, S23: cannot plant a session, whether or not the visitor has one', async () => {
    for (const path of ['/state', '/login']) {
      await page.goto(`${app}${path}`)
      const before = await jar()
      await page.evaluate(
        async ([of, token]) => {
          document.cookie = `${of}=${token}; Path=/; Secure; SameSite=Lax`
          document.cookie = `${of}=${token}; Path=/state; Secure`
          document.cookie = `=${of}=${token}; Path=/; Secure`
          document.cookie = `${of?.toLowerCase()}=${token}; Path=/; Secure`
          type Store = { set(name: string, value: string): Promise<void> }
          const store = (globalThis as { cookieStore?: Store }).cookieStore
          await store?.set(of as string, token as string).catch(() => {})
          document.cookie = 'planted=1; Path=/; Secure'
        },
        [name, forgedToken],
      )
      expect(await jar()).toEqual(before)
      const { cookie } = await see()
      expect(cookie).not.toContain(forgedToken)
      expect(cookie).toContain('planted=1')
    }
  })
})

describe('parallel requests of a page', () => {
  async function fetchAll(paths: readonly string[]): Promise<readonly Seen[]> {
    return page.evaluate(
      (all) => Promise.all(all.map(async (path) => (await fetch(path)).json() as Promise<Seen>)),
      paths,
    )
  }

  it('T4, S58: 8 during a rotation: all find their session, and the visitor stays signed in, 50 of 50', async () => {
    build({}, 60)
    await page.goto(`${app}/login`)
    for (let round = 0; round < 50; round++) {
      const [before] = await jar()
      ahead += 61_000
      const all = await fetchAll(Array.from({ length: 8 }, () => '/state'))
      expect(all.map(({ user }) => user)).toEqual(Array(8).fill('ann'))
      const after = await jar()
      expect(after).toHaveLength(1)
      expect(after[0]?.value).not.toBe(before?.value)
      ahead += 16_000
      expect((await fetchAll(['/state']))[0]).toMatchObject({ state: 'live', user: 'ann' })
    }
  }, 240_000)

  it('T4, S70, T21: 8 during a renewal: one new cookie survives, and the visitor stays signed in, 50 of 50', async () => {
    await page.goto(`${app}/login`)
    for (let round = 0; round < 50; round++) {
      const [before] = await jar()
      const paths = Array.from({ length: 8 }, (_, at) => (at === round % 8 ? '/renew' : '/state'))
      await fetchAll(paths)
      const after = await jar()
      expect(after).toHaveLength(1)
      expect(after[0]?.value).not.toBe(before?.value)
      expect((await fetchAll(['/state']))[0]).toMatchObject({ state: 'live', user: 'ann' })
    }
  }, 240_000)
})

describe('a logout', () => {
  it('S48, S10: empties the jar, and the old cookie does not sign in again', async () => {
    await page.goto(`${app}/login`)
    const cookies = await context.cookies()
    expect(await jar()).toHaveLength(1)
    await page.goto(`${app}/account`)
    await page.click('button')
    expect(await page.textContent('p')).toBe('bye')
    expect(await context.cookies()).toEqual([])
    await context.addCookies(cookies)
    expect(await see()).toMatchObject({ state: 'new', user: null })
  })

  it.each<[string, CookieOptions, string]>([
    ['with a path', { path: '/', name: '__Secure-x' }, '__Secure-x'],
    ['for all subdomains', { domain: 'example.test' }, '__Secure-sid'],
    ['that is persistent', { persistent: true }, name],
    ['of a partitioned jar', { partitioned: true, sameSite: 'none' }, name],
  ])('S48, S69: deletes a cookie %s', async (_what, options, of) => {
    build(options)
    await page.goto(`${app}/login`)
    const [kept] = await jar(of)
    expect(kept?.value).toMatch(/^[\w-]{43}$/)
    if (options.partitioned === true) expect(kept?.partitionKey).toContain('example.test')
    await page.goto(`${app}/logout`)
    expect(await context.cookies()).toEqual([])
  })
})

describe('Back after a logout', () => {
  let plain: Awaited<ReturnType<typeof serveHttp>>
  beforeEach(async () => {
    plain = await serveHttp(answer)
    plainOrigin = plain.origin
    build({ plainHttp: true })
    await context.close()
    context = await browser.newContext()
    page = await context.newPage()
    await page.goto(`${plainOrigin}/login`)
  })
  afterEach(() => plain.close())

  async function backTo(path: string): Promise<string | null> {
    await page.goto(`${plainOrigin}${path}`)
    expect(await page.textContent('p')).toContain('account of ann')
    await page.goto(`${plainOrigin}/logout`)
    expect(await page.textContent('p')).toBe('bye')
    await page.goBack()
    return page.textContent('p')
  }

  it('T22, S60: shows nothing private of a page that is not to be stored', async () => {
    expect(await backTo('/account-unstored')).toBe('account of nobody')
  })

  it('T22, S61: shows nothing private of any other page: Vary: Cookie keeps it from visitors without a cookie', async () => {
    expect(await backTo('/account')).toBe('account of nobody')
  })

  it('T22: would show a page that says nothing to caches, as it was', async () => {
    expect(await backTo('/careless')).toBe('account of ann, 1')
  })
})

describe('Back to a page that chromium has kept as it was', () => {
  let plain: Awaited<ReturnType<typeof serveHttp>>
  let keeping: Browser
  beforeAll(async () => {
    plain = await serveHttp(answer)
    keeping = await launchChromium({ backForwardCache: true })
  })
  afterAll(async () => {
    await keeping.close()
    await plain.close()
  })
  beforeEach(async () => {
    plainOrigin = plain.origin
    build({ plainHttp: true })
    await context.close()
    context = await keeping.newContext()
    page = await context.newPage()
  })

  /** Goes through pages that end in a logout, and back to the account; what that shows. */
  async function backFrom(...paths: readonly string[]): Promise<string | null> {
    await page.goto(`${plainOrigin}/login`)
    for (const path of paths) await page.goto(`${plainOrigin}${path}`)
    expect(await page.textContent('p')).toBe('bye')
    await page.evaluate((steps) => void setTimeout(() => history.go(steps), 0), 1 - paths.length)
    const shown = (): Promise<string | null> => page.textContent('p').catch(() => 'bye')
    await expect.poll(shown, { timeout: 20_000 }).toMatch(/^account/)
    return shown()
  }

  it('T22, S60: shows nothing private of one that is not to be stored: the logout took its cookie away', async () => {
    expect(await backFrom('/account-unstored', '/logout')).toBe('account of nobody')
    expect(await backFrom('/account-unstored', '/other', '/logout')).toBe('account of nobody')
  }, 180_000)

  it('T22, S29: shows nothing private of one from before, where the logout clears what was kept', async () => {
    expect(await backFrom('/account', '/other', '/logout-clearing')).toBe('account of nobody')
  })

  it('T22: would show one that may be stored; that with the logout in it even where it clears', async () => {
    for (const paths of [
      ['/account', '/other', '/logout'],
      ['/account', '/logout-clearing'],
    ]) {
      // Short of memory, chromium keeps nothing.
      for (let tries = 1; (await backFrom(...paths)) !== 'account of ann'; tries++)
        expect(tries).toBeLessThan(5)
    }
  }, 180_000)
})
