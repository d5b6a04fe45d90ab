import type { Browser } from '@coatcheck/harness/chromium'
import { launchChromium } from '@coatcheck/harness/chromium'
import type { RunningExample, StartExample } from '@coatcheck/harness/example-suite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

/** Beyond the shared suite: a form shows what is wrong with it. */
export function describeForms(start: StartExample): void {
  describe('a form that the server refuses', () => {
    let browser: Browser | undefined
    let running: RunningExample | undefined
    beforeAll(async () => {
      browser = await launchChromium()
      running = await start({})
    })
    afterAll(async () => {
      await browser?.close()
      await running?.stop()
    })

    async function refuse(javaScriptEnabled: boolean): Promise<void> {
      const context = await browser!.newContext({ javaScriptEnabled })
      onTestFinished(() => context.close())
      const page = await context.newPage()
      await page.goto(running!.url)
      await page.getByLabel('Name').fill('   ')
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByText('Please fill this in').waitFor()
      expect(await page.locator('#who').textContent()).toBe('not signed in')
      expect(await context.cookies()).toEqual([])
    }

    it('shows why, with JavaScript', () => refuse(true))

    it('shows why, without JavaScript', () => refuse(false))
  })
}
