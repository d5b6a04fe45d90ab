import { createSessions } from '@coatcheck/core'
import type { Sessions } from '@coatcheck/core'
import { deviceBound } from '@coatcheck/core/device-bound'
import { memoryStore } from '@coatcheck/core/memory'
import { trustHosts } from '@coatcheck/harness/trusted-chromium'
import type { BrowserContext, TrustedHosts } from '@coatcheck/harness/trusted-chromium'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startSite } from './tls-site.ts'

/** `example` counts as a public suffix, so the first one is a registrable domain. */
const hosts = ['coat.example', 'app.coat.example', 'api.coat.example']

const bound = '__Secure-sid-bound'

let trusted: TrustedHosts
let port: number
let stopSite: () => void
let asked: string[] = []
let sessions: Sessions<object>

/** As a sibling domain sets it, for the path of the endpoints alone. */
const planted = `__Secure-sid=${'A'.repeat(43)}; Domain=coat.example; Path=/device-bound; Secure`

async function app(request: Request): Promise<Response> {
  const { pathname, host } = new URL(request.url)
  const answer = await sessions.deviceBinding(request)
  if (answer !== null) {
    asked.push(`${host}${pathname} ${answer.status}`)
    return answer
  }
  return sessions.handle(request, (session) => {
    if (pathname === '/sign-in') session.signIn('ada')
    const text = `<p id="session">${session.state} ${session.device}</p>`
    const headers = new Headers({ 'Content-Type': 'text/html', 'Cache-Control': 'no-store' })
    if (pathname === '/plant') headers.append('Set-Cookie', planted)
    return new Response(`<!doctype html><link rel="icon" href="data:,">${text}`, { headers })
  })
}

beforeAll(async () => {
  trusted = trustHosts(hosts)
  ;({ port, stop: stopSite } = await startSite(trusted, app))
  sessions = createSessions({
    store: memoryStore(),
    cookie: { domain: 'coat.example' },
    deviceBound: deviceBound({
      mode: 'require',
      registeringOrigins: ['https://app.coat.example'],
    }),
  })
})

afterAll(() => {
  stopSite()
  trusted.remove()
})

async function see(browser: BrowserContext, host: string, path: string): Promise<string> {
  const [page = await browser.newPage()] = browser.pages()
  await page.goto(`https://${host}${path}`)
  return (await page.textContent('#session')) as string
}

it('Chromium binds a session of the whole domain from a subdomain, and refreshes it for another, also behind a planted cookie', async () => {
  const browser = await trusted.launch({ boundSessions: 'as-shipped', port })
  try {
    await see(browser, 'app.coat.example', '/sign-in')
    const seen = (): Promise<string> => see(browser, 'app.coat.example', '/')
    await expect.poll(seen, { interval: 200 }).toBe('live bound')
    expect(asked.slice(0, 3)).toEqual([
      'app.coat.example/device-bound/register 200',
      'coat.example/.well-known/device-bound-sessions 200',
      'app.coat.example/device-bound/refresh 200',
    ])
    await see(browser, 'api.coat.example', '/plant')
    await browser.clearCookies({ name: bound })
    asked = []
    expect(await see(browser, 'api.coat.example', '/')).toBe('live bound')
    expect(asked[0]).toBe('app.coat.example/device-bound/refresh 200')
  } finally {
    await browser.close()
  }
})
