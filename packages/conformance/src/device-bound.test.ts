import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSessions } from '@coatcheck/core'
import type { SessionEvent } from '@coatcheck/core'
import { deviceBound, reloadForProof } from '@coatcheck/core/device-bound'
import { memoryStore } from '@coatcheck/core/memory'
import { trustHosts } from '@coatcheck/harness/trusted-chromium'
import type { BrowserContext, TrustedHosts } from '@coatcheck/harness/trusted-chromium'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSite } from './tls-site.ts'

const sid = '__Host-Http-sid'
const bound = '__Host-sid-bound'

/** Seconds that a proof counts. The browser drops its cookie a second before. */
const lifetime = 4

let trusted: TrustedHosts
let origin: string
let other: string
let stopSite: () => void
/** The paths of the endpoints that were asked, since it was last emptied. */
let asked: string[] = []
let events: SessionEvent[] = []

const sessionsFor = (seconds: number): ReturnType<typeof createSessions> =>
  createSessions({
    store: memoryStore(),
    namespace: `proofs-of-${seconds}`,
    deviceBound: deviceBound({ mode: 'require', lifetime: seconds }),
    onEvent: (event) => void events.push(event),
  })

const brief = sessionsFor(lifetime)
const lasting = sessionsFor(600)

/** Those that answer. */
let sessions = brief

async function app(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const answer = await sessions.deviceBinding(request)
  if (answer !== null) {
    asked.push(`${pathname} ${answer.status}`)
    return answer
  }
  return sessions.handle(request, (session) => {
    if (pathname === '/sign-in') session.signIn('ada')
    if (pathname === '/sign-out') session.destroy()
    if (pathname.startsWith('/sign-')) {
      return new Response(null, { status: 303, headers: { Location: '/' } })
    }
    const again = session.state === 'unproven' ? reloadForProof(request) : null
    if (again !== null) return again
    const form = '<form method="post" action="/sign-in"><button>Sign in</button></form>'
    const text = `<p id="session">${session.state} ${session.device} ${session.subject}</p>`
    const headers = { 'Content-Type': 'text/html', 'Cache-Control': 'no-store' }
    return new Response(`<!doctype html><link rel="icon" href="data:,">${form}${text}`, { headers })
  })
}

beforeAll(async () => {
  trusted = trustHosts(['localhost', 'other.example'])
  const { port, stop } = await startSite(trusted, app)
  origin = `https://localhost:${port}`
  other = `https://other.example:${port}`
  stopSite = stop
})

afterAll(() => {
  stopSite()
  trusted.remove()
})

async function see(browser: BrowserContext, path: string): Promise<string> {
  const [page = await browser.newPage()] = browser.pages()
  await page.goto(`${origin}${path}`)
  return (await page.textContent('#session')) as string
}

async function signIn(browser: BrowserContext): Promise<string> {
  const [page = await browser.newPage()] = browser.pages()
  await page.goto(origin)
  await page.click('button')
  return (await page.textContent('#session')) as string
}

/** Signs in, and visits pages until the browser has proved its key. */
async function bind(browser: BrowserContext): Promise<void> {
  events = []
  await signIn(browser)
  await expect.poll(() => see(browser, '/after-sign-in'), { interval: 200 }).toBe('live bound ada')
  expect(events.filter(({ type }) => type === 'device.bound')).toHaveLength(1)
}

/** Waits until the browser has dropped the bound cookie, and until the server would refuse it. */
async function expire(browser: BrowserContext): Promise<void> {
  const names = async (): Promise<string[]> =>
    (await browser.cookies(origin)).map(({ name }) => name)
  await expect.poll(names, { interval: 200 }).not.toContain(bound)
  await sleep(1500)
  asked = []
}

/** A client that is no browser. */
async function fetchAs(cookies: string, path: string): Promise<string> {
  const sent = httpsRequest(`${origin}${path}`, { ca: trusted.ca, headers: { Cookie: cookies } })
  sent.end()
  const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer>]
  let text = ''
  for await (const part of response) text += part.toString()
  return /<p id="session">(.*?)<\/p>/.exec(text)?.[1] as string
}

describe('device bound sessions in Chromium', () => {
  it('registers after a sign-in, and refreshes after an idle time, by one request each', async () => {
    const browser = await trusted.launch({ boundSessions: true })
    try {
      asked = []
      await bind(browser)
      expect(asked.slice(0, 2)).toEqual(['/device-bound/register 200', '/device-bound/refresh 200'])
      await expire(browser)
      expect(await see(browser, '/later')).toBe('live bound ada')
      expect(asked[0]).toBe('/device-bound/refresh 200')
      await expire(browser)
      const [page] = browser.pages()
      const texts = await page!.evaluate(async () => {
        const all = Array.from({ length: 8 }, async (_, at) =>
          (await fetch(`/at-once-${at}`)).text(),
        )
        return Promise.all(all)
      })
      const seen = texts.map((text) => /<p id="session">(.*?)<\/p>/.exec(text)?.[1])
      expect(seen).toEqual(Array(8).fill('live bound ada'))
      // The second one, if there is one, is ahead of time: the cookie is a short one.
      expect(asked.length).toBeLessThan(3)
    } finally {
      await browser.close()
    }
  })

  it('a link of another site, which refreshes nothing, is loaded again with a proof', async () => {
    const browser = await trusted.launch({ boundSessions: true })
    try {
      await bind(browser)
      const [page] = browser.pages()
      await page!.goto(`${other}/`)
      await expire(browser)
      await page!.setContent(`<a href="${origin}/from-elsewhere">go</a>`)
      events = []
      await page!.click('a')
      await page!.waitForSelector('#session')
      expect(await page!.textContent('#session')).toBe('live bound ada')
      expect(page!.url()).toBe(`${origin}/from-elsewhere`)
      expect(events.filter(({ type }) => type === 'device.stale')).toHaveLength(1)
    } finally {
      await browser.close()
    }
  })

  it('stolen cookies are refused within the life of a proof, in another profile and without a browser', async () => {
    const browser = await trusted.launch({ boundSessions: true })
    const thief = await trusted.launch({ boundSessions: true })
    try {
      await bind(browser)
      const jar = await browser.cookies(origin)
      expect(jar.map(({ name }) => name).toSorted()).toEqual([sid, bound])
      const header = jar.map(({ name, value }) => `${name}=${value}`).join('; ')
      await thief.addCookies(jar)
      expect(await fetchAs(header, '/stolen')).toBe('live bound ada')
      await sleep(lifetime * 1000)
      // Stolen as they are: the thief does not let them expire.
      expect(await fetchAs(header, '/stolen')).toBe('unproven stale null')
      asked = []
      expect(await see(thief, '/stolen')).toBe('unproven stale null')
      expect(asked).toEqual([])
      expect(await see(browser, '/mine')).toBe('live bound ada')
      expect(await see(thief, '/stolen')).toBe('unproven stale null')
      expect(await fetchAs(header, '/stolen')).toBe('unproven stale null')
    } finally {
      await thief.close()
      await browser.close()
    }
  })

  it('after a sign-out the browser is told to forget its key, and asks no more', async () => {
    const browser = await trusted.launch({ boundSessions: true })
    try {
      await bind(browser)
      expect(await see(browser, '/sign-out')).toBe('new unbound null')
      await expire(browser)
      expect(await see(browser, '/signed-out')).toBe('new unbound null')
      asked = []
      expect(await see(browser, '/signed-out')).toBe('new unbound null')
      expect(asked).toEqual([])
      await bind(browser)
    } finally {
      await browser.close()
    }
  })

  it('after a second sign-in it proves the new key at once, though the bound cookie of before had not ended', async () => {
    sessions = lasting
    const browser = await trusted.launch({ boundSessions: true })
    try {
      await bind(browser)
      await bind(browser)
      expect(await see(browser, '/sign-out')).toBe('new unbound null')
      await bind(browser)
    } finally {
      sessions = brief
      await browser.close()
    }
  })

  it('a browser that cannot bind sessions ignores all of it', async () => {
    const browser = await trusted.launch({ boundSessions: false })
    try {
      asked = []
      expect(await signIn(browser)).toBe('live pending ada')
      expect(await see(browser, '/later')).toBe('live pending ada')
      expect(asked).toEqual([])
    } finally {
      await browser.close()
    }
  })
})
