import type { Browser } from '@coatcheck/harness/chromium'
import { launchChromium } from '@coatcheck/harness/chromium'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Traps } from './traps.ts'

type Page = Awaited<ReturnType<Browser['newPage']>>

/** What SvelteKit's script in the browser does. */
export function describeBrowser(traps: Traps): void {
  // Long, for busy machines.
  describe('in chromium', { timeout: 180_000 }, () => {
    let browser: Browser | undefined
    beforeAll(async () => void (browser = await launchChromium()))
    afterAll(() => browser?.close())

    async function open(path: string): Promise<Page> {
      const page = await browser!.newPage({ extraHTTPHeaders: { 'X-Forwarded-Proto': 'http' } })
      onTestFinished(() => page.context().close())
      page.setDefaultTimeout(60_000)
      await page.goto(new URL(path, traps.url).href)
      // Before SvelteKit's script runs, the browser itself handles links and forms, and other buttons do nothing.
      await page.locator('body[data-ready]').waitFor()
      await page.evaluate(() => document.body.setAttribute('data-first', ''))
      return page
    }

    /** After a client-side navigation or an enhanced form the document is still the one that was opened. */
    async function staysIn(page: Page): Promise<void> {
      expect(await page.locator('body[data-first]').count()).toBe(1)
    }

    const links = ['hook/returns', 'hook/returns-late', 'hook/throws', 'hook/throws-late']

    it.each(links)(
      'client navigation into a hook that redirects keeps the session: %s',
      async (link) => {
        const page = await open('/')
        await page.getByRole('link', { name: link, exact: true }).click()
        await shows(page, '#done', '{"n_hook":1}')
        await staysIn(page)
        await page.reload()
        await shows(page, '#done', '{"n_hook":1}')
      },
    )

    it('client navigation into a load that redirects keeps the session', async () => {
      const page = await open('/')
      await page.getByRole('link', { name: 'load/redirects' }).click()
      await shows(page, '#done', '{"n_load":1}')
      await staysIn(page)
    })

    it('the browser’s prefetch of a page does not move the idle end', async () => {
      const page = await guest()
      const reads = await traps.reads(async () => {
        const answer = page.waitForResponse((response) => response.url().endsWith('/landed'))
        await page.evaluate(() => {
          const link = Object.assign(document.createElement('link'), { rel: 'prefetch' })
          link.href = '/landed'
          document.head.append(link)
        })
        await (await answer).finished()
      })
      expect(reads).toEqual({ read: 1, moved: 0 })
    })

    it('SvelteKit preloads the data of a page once for its visit, which moves the idle end', async () => {
      const page = await guest()
      await page.evaluate(() => {
        const link = Object.assign(document.createElement('a'), { href: '/landed' })
        link.textContent = 'preloaded'
        link.dataset['sveltekitPreloadData'] = 'hover'
        document.body.firstElementChild?.append(link)
      })
      const link = page.getByRole('link', { name: 'preloaded' })
      const reads = await traps.reads(async () => {
        const answer = page.waitForResponse((response) => response.url().includes('__data.json'))
        await link.hover()
        const sent = Object.keys((await answer).request().headers())
        expect(sent.filter((name) => name.includes('purpose'))).toEqual([])
        await link.click()
        await shows(page, '#done', '{"n_action":1}')
      })
      expect(reads).toEqual({ read: 1, moved: 1 })
      await staysIn(page)
    })

    /** The page of a visitor with a session. */
    async function guest(): Promise<Page> {
      const page = await open('/action')
      await page.getByRole('button', { name: 'returns' }).click()
      await shows(page, '#done', '{"n_action":1}')
      return page
    }

    it('enhanced forms change the session, sign in and sign out', async () => {
      const page = await open('/action')
      await page.getByRole('button', { name: 'returns' }).click()
      await shows(page, '#done', '{"n_action":1}')
      const [before] = await page.context().cookies()
      await page.getByRole('button', { name: 'login' }).click()
      await shows(page, '#done', '{"n_action":1,"user":"ada"}')
      const [after] = await page.context().cookies()
      expect(after?.value).not.toBe(before?.value)
      await page.getByRole('link', { name: 'action' }).click()
      await page.getByRole('button', { name: 'logout' }).click()
      await shows(page, '#done', '{}')
      await staysIn(page)
      expect(await page.context().cookies()).toEqual([])
    })

    it('an enhanced sign-in that was not done shows the error page', async () => {
      const page = await open('/action')
      await traps.memcached.stop()
      await page.getByRole('button', { name: 'login' }).click()
      await shows(page, '#message', 'You could not be signed in')
      await shows(page, '#status', '503')
      await staysIn(page)
      await traps.recover()
    })

    it('remote functions, queries and commands, read and change the session', async () => {
      const page = await open('/remote')
      await shows(page, '#counts', '"n_query":')
      expect(await page.context().cookies()).toMatchObject([{ name: 'sid', httpOnly: true }])
      for (const [name, commands] of [
        ['count', 2],
        ['login', 5],
      ] as const) {
        const asked = await traps.count(async () => {
          await page.getByRole('button', { name, exact: true }).click()
          await shows(page, '#said', 'done')
        })
        expect([name, asked]).toEqual([name, commands])
      }
      await page.goto(new URL('/landed', traps.url).href)
      await shows(page, '#done', '"n_command":1,"user":"ada"')
    })

    it('a streamed promise that saves late shows its outcome', async () => {
      const page = await open('/action')
      await page.getByRole('button', { name: 'returns' }).click()
      await shows(page, '#done', '{"n_action":1}')
      await page.getByRole('link', { name: 'stream/saves' }).click()
      await shows(page, 'p', 'waiting')
      await page.request.post(new URL('/api/gate?name=browser', traps.url).href, {
        headers: { Origin: traps.url },
      })
      await shows(page, '#outcome', 'saved')
      await staysIn(page)
    })
  })
}

/** Waits until an element has this text in it. */
async function shows(page: Page, selector: string, text: string): Promise<void> {
  const read = (): Promise<string | null> => page.locator(selector).first().textContent()
  await expect.poll(read, { timeout: 60_000 }).toContain(text)
}
