import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Browser } from '../chromium/launch.ts'
import { launchChromium } from '../chromium/launch.ts'
import type { App, StoredApp } from './app.ts'
import { useApp, useStoredApp } from './app.ts'
import type { StartExample } from './process.ts'
import { onMemcached } from './session-server.ts'

/** Tests of the application in chromium, on memory and on memcached. */
export function describeExampleInBrowser(name: string, start: StartExample): void {
  describe(`${name} in chromium, on memory`, () => {
    describePage(useApp(start, () => ({ EXPLAIN: '1' })))
  })
  describe(`${name} in chromium, on memcached`, () => {
    describePage(useStoredApp(start, { EXPLAIN: '1' }, onMemcached))
  })
}

/** Tests of the races on the page of the custom server, on memory and on memcached. */
export function describeRacesInBrowser(name: string, start: StartExample): void {
  describe(`the races of ${name} in chromium, on memory`, () => {
    describeRaces(useApp(start, () => ({ EXPLAIN: '1' })))
  })
  describe(`the races of ${name} in chromium, on memcached`, () => {
    const app = useStoredApp(start, { EXPLAIN: '1' }, onMemcached)
    describeRaces(app)
    describeOutagePage(app)
  })
}

/** Opens a browser context without cookies, and closes it after the test. */
type OpenWindow = (options?: BrowserContextOptions) => Promise<BrowserContext>

function useBrowser(): OpenWindow {
  let browser: Browser | undefined
  beforeAll(async () => void (browser = await launchChromium()))
  afterAll(() => browser?.close())
  return async (options) => {
    if (browser === undefined)
      throw new Error('chromium starts before the tests: open a window inside a test')
    const context = await browser.newContext(options)
    onTestFinished(() => context.close())
    return context
  }
}

async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(url)
  return page
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await press(page, 'Sign in')
  await shows(page, '#who', name)
}

async function addToCart(page: Page, item: string): Promise<void> {
  await page.getByLabel('Item').fill(item)
  await press(page, 'Add to cart')
  await shows(page, '#cart', item)
}

function press(page: Page, name: string): Promise<void> {
  return page.getByRole('button', { name, exact: true }).click()
}

/** Waits until the element contains the text. */
async function shows(page: Page, selector: string, text: string): Promise<void> {
  const read = (): Promise<string | null> => page.locator(selector).textContent()
  await expect.poll(read, { timeout: 20_000 }).toContain(text)
}

function describePage(app: App): void {
  const open = useBrowser()

  it('signs in, fills the cart, counts and signs out with JavaScript disabled', async () => {
    const page = await openTab(await open({ javaScriptEnabled: false }), app.url)
    await shows(page, '#who', 'not signed in')
    await signIn(page, 'Ada')
    await addToCart(page, 'Umbrella')
    await press(page, 'Count a visit')
    await shows(page, '#visits', '1')
    expect(new URL(page.url()).pathname).toBe('/')
    await press(page, 'Sign out')
    await shows(page, '#who', 'not signed in')
    await shows(page, '#cart', 'empty')
  })

  it('loads without an error in the console, and hides the cookie from scripts', async () => {
    const context = await open()
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', ({ message }) => complaints.push(message))
    page.on('console', (said) => void (said.type() === 'error' && complaints.push(said.text())))
    await page.goto(app.url, { waitUntil: 'load' })
    await signIn(page, 'Ada')
    expect(complaints).toEqual([])
    expect(await context.cookies()).toMatchObject([{ name: 'sid', httpOnly: true }])
    expect(await page.evaluate(() => document.cookie)).toBe('')
  })

  it('keeps the changes of two tabs, and signing out in one signs out both', async () => {
    const context = await open()
    const one = await openTab(context, app.url)
    await signIn(one, 'Ada')
    const other = await openTab(context, app.url)
    await shows(other, '#who', 'Ada')
    await Promise.all([addToCart(one, 'Hat'), addToCart(other, 'Scarf')])
    await one.reload()
    await shows(one, '#cart', 'Hat')
    await shows(one, '#cart', 'Scarf')
    await press(other, 'Sign out')
    await shows(other, '#who', 'not signed in')
    await one.reload()
    await shows(one, '#who', 'not signed in')
  })

  it('shows nothing private after signing out and going back', async () => {
    const page = await openTab(await open(), app.url)
    await signIn(page, 'Ada Lovelace')
    await page.goto(`${app.url}/?before`)
    await shows(page, '#who', 'Ada Lovelace')
    await press(page, 'Sign out')
    await shows(page, '#who', 'not signed in')
    // goBack() resolves too early if a router replaces its own history entry while it starts.
    // The navigation starts after evaluate() has its result, which the navigation would destroy.
    await page.evaluate(() => void setTimeout(() => history.back(), 0))
    await page.waitForURL(`${app.url}/?before`)
    await shows(page, '#who', 'not signed in')
    expect(await page.content()).not.toContain('Lovelace')
  })
}

function describeRaces(app: App): void {
  const open = useBrowser()

  it('shows that 20 of 20 concurrent writes were kept', async () => {
    const page = await openTab(await open(), app.url)
    await press(page, 'Hang 20 coats')
    await shows(page, '#crowd-result', '20 of 20')
    expect(await page.locator('.pegs [data-state=kept]').count()).toBe(20)
  })

  it('shows that 20 of 20 visits were counted, added to the earlier ones', async () => {
    const page = await openTab(await open(), app.url)
    await press(page, 'Count a visit')
    await shows(page, '#visits', '1')
    await press(page, 'Count 20 visits')
    await shows(page, '#crowd-result', '20 of 20')
    await shows(page, '#visits', '21')
  })

  it('shows that a session stays dead when a slow write ends after the sign-out', async () => {
    const context = await open()
    const page = await openTab(context, app.url)
    await signIn(page, 'Ada')
    const [cookie] = await context.cookies()
    await press(page, 'Start the slow write')
    await shows(page, '#late-result', 'The session stayed dead.')
    await shows(page, '#late-end', '200, gone')
    await shows(page, '#late-check', '200, gone')
    await shows(page, '#who', 'not signed in')
    expect(await context.cookies()).toEqual([])
    const { view } = await app.visitorWith(`${cookie?.name}=${cookie?.value}`).session()
    expect(view).toEqual({ state: 'new', data: {} })
  })

  it('logs every request with the outcome of its commit', async () => {
    const page = await openTab(await open(), app.url)
    await press(page, 'Hang 20 coats')
    await shows(page, '#crowd-result', '20 of 20')
    expect(await page.locator('#log-rows tr[data-outcome=created]').count()).toBe(1)
    expect(await page.locator('#log-rows tr[data-outcome=saved]').count()).toBe(20)
    expect(await page.locator('#log-rows tr[data-outcome=unchanged]').count()).toBe(1)
  })
}

function describeOutagePage(app: StoredApp): void {
  const open = useBrowser()

  it('says that the store is down, calls no race won or lost, and recovers', async () => {
    const page = await openTab(await open(), app.url)
    await signIn(page, 'Ada')
    app.server.pause()
    await press(page, 'Hang 20 coats')
    await shows(page, '#crowd-result', 'The session store is away')
    await shows(page, '#unavailable', 'You are not signed out')
    expect(await page.locator('.pegs [data-state=lost]').count()).toBe(0)
    app.server.resume()
    await shows(page, '#who', 'Ada')
    await press(page, 'Hang 20 coats')
    await shows(page, '#crowd-result', '20 of 20')
  })

  it('leaves the address of a refused form, so that a reload does not send it again', async () => {
    const page = await openTab(await open(), app.url)
    await signIn(page, 'Ada')
    app.server.pause()
    await press(page, 'Count a visit')
    await shows(page, '#unavailable', 'may not have been saved')
    app.server.resume()
    await shows(page, '#who', 'Ada')
    expect(new URL(page.url()).pathname).toBe('/')
    await page.reload()
    await shows(page, '#visits', '0')
  })
}
