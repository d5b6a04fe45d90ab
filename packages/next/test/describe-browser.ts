import type { Browser } from '@coatcheck/harness/chromium'
import { launchChromium } from '@coatcheck/harness/chromium'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Places } from './places.ts'
import { createVisitor } from './visitor.ts'

/** With JavaScript, in chromium, over http: `Secure` cookies are kept for localhost. */
export function describeBrowser(places: Places): void {
  describe('in chromium', () => {
    let browser: Browser | undefined
    beforeAll(async () => void (browser = await launchChromium()))
    afterAll(() => browser?.close())

    async function open(path: string) {
      const context = await (browser as Browser).newContext()
      // Before a server ends, which waits for connections that a browser has opened in advance.
      onTestFinished(() => context.close())
      const page = await context.newPage()
      await page.goto(new URL(path, places.url).href)
      const hydrated = (): Promise<unknown> => page.waitForFunction(isHydrated)
      await hydrated()
      const shows = async (): Promise<unknown> =>
        JSON.parse((await page.locator('pre').first().textContent()) ?? '')
      const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
      const cookies = async () =>
        (await context.cookies()).map(({ name, value }) => [name, value] as const)
      return { page, hydrated, shows, press, cookies }
    }

    it('signs in by action and redirect, without a new document', async () => {
      const { page, shows, press, cookies } = await open('/forms')
      await page.evaluate(() => Object.assign(globalThis, { marked: true }))
      await press('go')
      await page.waitForURL('**/page')
      await expect.poll(shows).toMatchObject({ data: { user: 'ada' } })
      expect(await page.evaluate(() => 'marked' in globalThis)).toBe(true)
      expect(await cookies()).toHaveLength(1)
    })

    it('mints one session when the page behind the redirect goes through the proxy', async () => {
      await places.memcached.flush()
      const { shows, press, cookies } = await open('/forms')
      await press('onward')
      await expect.poll(shows).toMatchObject({ data: { user: 'ada' } })
      const visitor = createVisitor(places.url, new Map(await cookies()))
      expect(await places.dataOf(visitor)).toMatchObject({ user: 'ada' })
      // The dump of a busy memcached may leave a record out.
      await expect.poll(() => places.memcached.keys()).toHaveLength(1)
    })

    it('shows at once what an action changed, created and ended', async () => {
      const { shows, press, cookies } = await open('/forms')
      await press('stay')
      await expect.poll(shows).toMatchObject({ data: { n: 1 } })
      await press('stay')
      await expect.poll(shows).toMatchObject({ state: 'live', data: { n: 2 } })
      expect(await cookies()).toHaveLength(1)
      await press('leave')
      await expect.poll(shows).toEqual({ state: 'new', data: {} })
      expect(await cookies()).toEqual([])
    })

    it('gives the data of a session to a Client Component', async () => {
      const { page, shows } = await open('/given')
      await page.evaluate(() => fetch('/routes/writes', { method: 'POST' }))
      await page.reload()
      await expect
        .poll(shows)
        .toEqual({ where: 'browser', cart: ['scarf', 'glove'], seenAt: [['/', 1]] })
    })

    it('shows the error boundary if a sign-in of an action was not done, with a digest to tell by', async () => {
      const url = await places.another({ MEMCACHE_SERVERS: '127.0.0.1:1' })
      const { page, shows, press, cookies } = await open(`${url}/forms`)
      await press('enter')
      await expect.poll(shows).toEqual({ digest: 'SESSION_UNAVAILABLE' })
      expect(new URL(page.url()).pathname).toBe('/forms')
      expect(await cookies()).toEqual([])
    })

    it('prefetches links, follows them and reloads with one session all along', async () => {
      const { page, hydrated, shows, cookies } = await open('/public')
      await expect.poll(cookies).toHaveLength(1)
      const [first] = await cookies()
      await page.getByRole('link', { name: 'Seen' }).click()
      await page.waitForURL('**/seen/page')
      await expect.poll(shows).toMatchObject({ data: { seen: expect.any(Number) } })
      await page.reload()
      await hydrated()
      await page.evaluate(() => history.back())
      await page.waitForURL('**/public')
      await page.getByRole('link', { name: 'Props' }).click()
      await page.waitForURL('**/props')
      await expect.poll(shows).toMatchObject({ state: 'live' })
      await page.getByRole('link', { name: 'Add' }).click()
      await expect.poll(shows).toMatchObject({ data: { n: expect.any(Number) } })
      expect(await cookies()).toEqual([first])
    })
  })
}

/** From then on forms, links and the history are the router's, which replaces `pushState` as it starts to listen. */
function isHydrated(): boolean {
  const elements = [...document.querySelectorAll('button, a')]
  const isReacts = (element: Element): boolean =>
    Object.keys(element).some((key) => key.startsWith('__react'))
  return Object.hasOwn(history, 'pushState') && elements.every(isReacts)
}
