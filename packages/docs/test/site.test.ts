import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from '@coatcheck/harness/chromium'
import { launchChromium } from '@coatcheck/harness/chromium'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entries, pages } from '../src/site-map.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const dist = join(home, 'dist')
const origin = 'http://docs.test'
const patience = 240_000

beforeAll(() => {
  // Not the environment of the test runner: its DEV makes a site without search.
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, ASTRO_TELEMETRY_DISABLED: '1' }
  const built = spawnSync('npm', ['run', '-s', 'build'], { cwd: home, env, encoding: 'utf8' })
  if (built.status !== 0) throw new Error(built.stdout + built.stderr)
}, patience)

const html = (path: string): string => readFileSync(join(dist, path), 'utf8')

function builtPages(): readonly string[] {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.html'),
  )
}

/** The file that an address of the site serves. */
function fileOf(path: string): string {
  const file = join(dist, decodeURIComponent(path))
  return existsSync(file) && statSync(file).isDirectory() ? join(file, 'index.html') : file
}

/** Links and images of a page that lead to no file, or to no element of it. */
function brokenOn(page: string, text: string): readonly string[] {
  return [...text.matchAll(/(?:href|src)="([^"]*)"/g)]
    .map((match) => match[1] as string)
    .filter((target) => /^[/#]/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.replaceAll('&amp;', '&').split('#')
      const file = path === '' ? join(dist, page) : fileOf(path)
      if (!existsSync(file)) return true
      if (anchor === undefined || anchor === '' || extname(file) !== '.html') return false
      return !readFileSync(file, 'utf8').includes(`id="${decodeURIComponent(anchor)}"`)
    })
    .map((target) => `${page}: ${target}`)
}

it('has a page for everything in the site map, and for the reference', () => {
  const slugs = [...pages, ...entries].map(({ slug }) => slug)
  const missing = slugs.filter((slug) => !existsSync(fileOf(slug === 'index' ? '/' : `/${slug}/`)))
  expect(missing).toEqual([])
})

it('has no broken link, and a broken one would be noticed', () => {
  const found = builtPages()
  expect(found.length).toBeGreaterThan(50)
  expect(found.flatMap((page) => brokenOn(page, html(page)))).toEqual([])
  const text = '<a href="/nothing/">a</a><a href="/faq/#nothing">b</a><a href="/faq/#login">c</a>'
  expect(brokenOn('x', text)).toEqual(['x: /nothing/', 'x: /faq/#nothing'])
})

it('has the docstrings of every export of the core', () => {
  const core = readFileSync(join(home, '../core/src/index.ts'), 'utf8')
  const names = [...core.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap((match) =>
    (match[1] as string).split(',').map((name) => name.trim()),
  )
  const reference = html('api/core/index.html').toLowerCase()
  const missing = names.filter(
    (name) => name !== '' && !reference.includes(`id="${name.toLowerCase()}`),
  )
  expect(missing).toEqual([])
  expect(reference).toContain('ends a session this long after its last request')
})

describe('in a browser', () => {
  let browser: Browser
  beforeAll(async () => void (browser = await launchChromium()), patience)
  afterAll(() => browser?.close())

  const widths = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } }
  const looked = [
    '/',
    '/start/next/',
    '/concepts/merging/',
    '/recipes/cart/',
    '/packages/core/',
    '/api/core/',
  ]

  it.each(['desktop', 'phone'] as const)(
    'fits a %s, and works',
    async (device) => {
      const page = await browser.newPage({ viewport: widths[device] })
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(error.message))
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
      await page.route('**/*', (route) => {
        const file = fileOf(new URL(route.request().url()).pathname)
        return existsSync(file) ? route.fulfill({ path: file }) : route.fulfill({ status: 404 })
      })
      mkdirSync(join(home, '.cache/pictures'), { recursive: true })
      for (const path of looked) {
        await page.goto(origin + path)
        const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        expect([path, over]).toEqual([path, 0])
        const name = path.replaceAll('/', '-').slice(1) || 'home-'
        await page.screenshot({ path: join(home, `.cache/pictures/${name}${device}.png`) })
      }
      await page.goto(`${origin}/concepts/logout/`)
      expect(await page.locator('svg.sequence').count()).toBe(1)
      expect(await page.getByRole('button', { name: 'Menu' }).isVisible()).toBe(device === 'phone')
      if (device === 'phone') await page.getByRole('button', { name: 'Menu' }).click()
      await page.getByRole('link', { name: 'An outage', exact: true }).first().click()
      await page.waitForURL('**/concepts/outages/')
      expect(errors).toEqual([])
      await page.close()
    },
    patience,
  )
})
