import type { Browser } from '@coatcheck/harness/chromium'
import { launchChromium } from '@coatcheck/harness/chromium'
import type { RunningExample } from '@coatcheck/harness/example-suite'
import {
  describeBundle,
  describeExample,
  describeExampleInBrowser,
  describeExampleOnValkey,
} from '@coatcheck/harness/example-suite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { built, run, start } from './start.ts'

beforeAll(() => run('vite', 'build'))

describeExample('SvelteKit 3', start)
describeExampleOnValkey('SvelteKit 3', start)
describeExampleInBrowser('SvelteKit 3', start)
describeBundle(built('build/client'), built('build/server'))

describe('the page of SvelteKit 3, with and without JavaScript', { timeout: 180_000 }, () => {
  let browser: Browser | undefined
  let running: RunningExample | undefined
  beforeAll(async () => {
    running = await start({})
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await running?.stop()
  })

  async function open(javaScriptEnabled: boolean) {
    const page = await browser!.newPage({ javaScriptEnabled })
    page.setDefaultTimeout(60_000)
    await page.goto(running!.url)
    return page
  }

  it('counts 20 of 20 visits that 20 requests add at once', async () => {
    const page = await open(true)
    await page.getByRole('button', { name: 'Count 20 visits' }).click()
    await page.getByText('20 of 20 visits were counted').waitFor()
    await expect.poll(() => page.locator('#visits').textContent()).toBe('20')
  })

  it('adds to the cart in the same document, and empties the field', async () => {
    const page = await open(true)
    // JavaScript adds this button.
    await page.getByRole('button', { name: 'Count 20 visits' }).waitFor()
    await page.evaluate(() => document.body.setAttribute('data-kept', ''))
    await page.getByLabel('Item').fill('Scarf')
    await page.getByRole('button', { name: 'Add to cart' }).click()
    await expect.poll(() => page.locator('#cart').textContent()).toBe('1 × Scarf')
    expect(await page.getByLabel('Item').inputValue()).toBe('')
    expect(await page.locator('body[data-kept]').count()).toBe(1)
  })

  it('says why it stores nothing under __proto__, and keeps the form as it was', async () => {
    for (const javaScript of [true, false]) {
      const page = await open(javaScript)
      await page.getByLabel('Item').fill('__proto__')
      await page.getByRole('button', { name: 'Add to cart' }).click()
      await expect.poll(() => page.getByRole('alert').textContent()).toContain('__proto__')
      expect(await page.locator('#cart').textContent()).toBe('empty')
    }
  })

  it('shows no button that does nothing without JavaScript', async () => {
    const page = await open(false)
    expect(await page.content()).toContain('<noscript><p class="soft">This needs JavaScript.')
    expect(await page.getByRole('button').allTextContents()).toEqual([
      'Sign in',
      'Add to cart',
      'Count a visit',
    ])
  })
})

describe('the types of the example', () => {
  it('pass svelte-check, with the session typed by app.d.ts', () => {
    run('svelte-kit', 'sync')
    expect(() => run('svelte-check', '--fail-on-warnings')).not.toThrow()
  }, 300_000)
})
