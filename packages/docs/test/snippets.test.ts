import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SessionStore, Sessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import type { FetchHandler, Visitor } from '@coatcheck/testing'
import { createVisitor } from '@coatcheck/testing'
import type { Express } from 'express'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { findChromium } from '@coatcheck/harness/chromium'
import { folder, listSnippets, loadSnippet, root, writeSnippets } from './snippets.ts'

const home = fileURLToPath(new URL('..', import.meta.url))
const snippets = listSnippets()
beforeAll(() => writeSnippets(snippets))

it('the programs on the pages compile', { timeout: 120_000 }, () => {
  expect(snippets.length).toBeGreaterThan(20)
  const tsc = join(root, 'node_modules/.bin/tsc')
  const { stdout } = spawnSync(tsc, ['-p', folder], { encoding: 'utf8' })
  expect(stdout).toBe('')
})

it('the programs on the pages can be loaded', async () => {
  const runnable = snippets.filter(
    ({ language, code }) => language === 'ts' && !/node:test|from 'vitest'|@playwright/.test(code),
  )
  const loaded = await Promise.all(runnable.map(loadSnippet))
  expect(loaded.every((exports) => Object.keys(exports).length > 0)).toBe(true)
})

it.each([
  ['recipes/tests', 2],
  ['start/express', 1],
])('the tests on the page %s that Node runs pass', (page, count) => {
  const shown = snippets.find(
    ({ name, code }) => name.startsWith(`${page}-`) && code.includes("from 'node:test'"),
  )
  const out = execFileSync(process.execPath, ['--test', '--test-reporter=tap', shown!.file], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  expect(out).toMatch(new RegExp(`^# pass ${count}\n# fail 0$`, 'm'))
})

function testOf(runner: string): string {
  return snippets.find(({ code }) => code.includes(`from '${runner}'`))!.file
}

function runTool(...args: readonly string[]): string {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    VITEST: '',
    VITEST_MODE: '',
    CI: '1',
    NO_COLOR: '1',
  }
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: home, encoding: 'utf8', env })
  return `${stdout}${stderr}`
}

it('the tests of the page about tests that vitest runs pass', () => {
  const vitest = join(home, 'node_modules/vitest/vitest.mjs')
  const config = join(folder, 'vitest.config.js')
  writeFileSync(config, `export default ${JSON.stringify({ test: { include: ['**/*.ts'] } })}\n`)
  const where = ['--config', config, '--root', folder]
  const tests = snippets.filter(({ code }) => code.includes("from 'vitest'"))
  const out = runTool(vitest, 'run', ...where, ...tests.map(({ file }) => file))
  expect(out).toMatch(/^\s*Tests\s+3 passed \(3\)$/m)
})

it('the test of the page about tests that Playwright runs passes in Chromium', () => {
  const playwright = join(home, 'node_modules/@playwright/test/cli.js')
  const config = join(folder, 'playwright.config.ts')
  writeFileSync(config, `export default ${JSON.stringify(playwrightConfig())}\n`)
  expect(runTool(playwright, 'test', '--config', config)).toMatch(/^\s*1 passed/m)
})

function playwrightConfig(): object {
  const launchOptions = { executablePath: findChromium(), args: ['--no-sandbox'] }
  return {
    testMatch: testOf('@playwright/test'),
    testDir: folder,
    outputDir: join(folder, 'results'),
    reporter: 'list',
    workers: 1,
    use: { launchOptions },
  }
}

async function visit(name: string, handler = 'app'): Promise<Visitor> {
  const snippet = snippets.find((other) => other.name === name)
  const { [handler]: app } = await loadSnippet(snippet!)
  return createVisitor(app as FetchHandler)
}

const post = { method: 'POST' }
const text = async (response: Promise<Response>): Promise<string> => (await response).text()

describe('the recipe', () => {
  it('for a flash message shows it once', async () => {
    const visitor = await visit('recipes/flash-0')
    expect((await visitor.fetch('/', post)).status).toBe(303)
    expect(await text(visitor.fetch('/'))).toBe('Your order is placed.')
    expect(await text(visitor.fetch('/'))).toBe('Nothing new.')
  })

  it('for a flash message shows it in two tabs at once', async () => {
    const visitor = await visit('recipes/flash-0')
    await visitor.fetch('/', post)
    const both = await Promise.all([visitor.fetch('/'), visitor.fetch('/')])
    expect(both.map(({ status }) => status)).toEqual([200, 200])
    const notice = 'Your order is placed.'
    expect(await Promise.all(both.map((response) => response.text()))).toEqual([notice, notice])
    expect(await text(visitor.fetch('/'))).toBe('Nothing new.')
  })

  it('for a flash message keeps another one that is put while it is shown', async () => {
    const visitor = await visit('recipes/flash-0')
    await visitor.fetch('/', post)
    const snippet = snippets.find(({ name }) => name === 'recipes/flash-0')
    const { sessions } = await loadSnippet(snippet!)
    const other = { headers: { Cookie: visitor.cookie } }
    await Promise.all([
      visitor.fetch('/'),
      (sessions as Sessions<{ notice?: string }>).handle(
        new Request('https://app.example/', other),
        ({ data }) => {
          data.notice = 'It is on its way.'
          return new Response()
        },
      ),
    ])
    expect(await text(visitor.fetch('/'))).toBe('It is on its way.')
  })

  it('for what only one request may have gives it to one of two', async () => {
    const visitor = await visit('recipes/flash-1')
    const state = await text(visitor.fetch('/', post))
    const paths = [`/?state=${state}`, `/?state=${state}`]
    const both = await Promise.all(paths.map((path) => visitor.fetch(path)))
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 409]))
    expect((await visitor.fetch(paths[0]!)).status).toBe(403)
  })

  it('for a list that grows keeps all of twenty pushes at once', async () => {
    const visitor = await visit('recipes/append-0')
    await visitor.fetch('/?q=coat')
    await Promise.all(Array.from({ length: 20 }, () => visitor.fetch('/?q=hat')))
    const all = JSON.parse(await text(visitor.fetch('/'))) as string[]
    expect(all).toEqual(['coat', ...Array.from({ length: 20 }, () => 'hat')])
  })

  it('for "remember me" keeps the cookie of a login that asks for it, and of no other', async () => {
    const kept = await Promise.all(
      ['on', 'off'].map(async (remember) => {
        const visitor = await visit('recipes/remember-me-0')
        const body = new URLSearchParams({ remember })
        const response = await visitor.fetch('/', { method: 'POST', body })
        expect(await text(visitor.fetch('/'))).toBe('user-42')
        return /Max-Age=(\d+)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1]
      }),
    )
    expect(kept).toEqual(['2592000', undefined])
  })

  it('for "remember me" in Express keeps the cookie of a login that asks for it, and of no other', async () => {
    const snippet = snippets.find(({ name }) => name === 'start/express-0')
    const { app } = (await loadSnippet(snippet!)) as { app: Express }
    const server = app.listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const kept = await Promise.all(
      ['on', 'off'].map(async (remember) => {
        const visitor = createVisitor((request) => fetch(request), { origin })
        const body = new URLSearchParams({ user: 'ada', remember })
        const response = await visitor.fetch('/login', { method: 'POST', body })
        expect(await text(visitor.fetch('/'))).toBe('Hello ada')
        return /Max-Age=(\d+)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1]
      }),
    )
    expect(kept).toEqual(['2592000', undefined])
  })

  it('for the first migration keeps the name while three versions share a store, there and back', async () => {
    const [before, expand, contract] = await Promise.all(
      [1, 2, 3].map(async (n) => {
        const snippet = snippets.find(({ name }) => name === `recipes/changing-shape-${n}`)
        return (await loadSnippet(snippet!)) as unknown as Version
      }),
    )
    const store = memoryStore()
    let cookies = ''
    const visit = async (version: Version, name?: string): Promise<string | undefined> => {
      const { session, commit } = await version.createShopSessions(store).open(cookies)
      expect(session.state).not.toBe('unavailable')
      if (name !== undefined) version.rename(session.data, name)
      const { outcome, cookie } = await commit()
      expect(outcome).toBe(name === undefined ? 'unchanged' : cookies === '' ? 'created' : 'saved')
      if (cookie !== null) cookies = `${cookie.name}=${cookie.value}`
      return version.nameOf(session.data)
    }
    await visit(before!, 'Ada')
    expect(await visit(expand!)).toBe('Ada')
    expect(await visit(expand!, 'Grace')).toBe('Grace')
    expect(await visit(before!)).toBe('Grace')
    expect(await visit(contract!)).toBe('Grace')
    expect(await visit(contract!, 'Ada')).toBe('Ada')
    expect(await visit(expand!)).toBe('Ada')
    expect(await visit(expand!, 'Mary')).toBe('Mary')
    expect(await visit(contract!)).toBe('Mary')
    const { session } = await before!.createShopSessions(store).open(cookies)
    expect(session.state).toBe('unavailable')
  })

  it('for the next migration carries over what the first version has stored', async () => {
    const snippet = snippets.find(({ name }) => name === 'recipes/changing-shape-4')
    const { before, sessions } = (await loadSnippet(snippet!)) as Record<string, Sessions<object>>
    const old = await before!.open(null)
    Object.assign(old.session.data, { name: 'Ada', dollars: 10 })
    const { cookie } = await old.commit()
    const { session } = await sessions!.open(`${cookie?.name}=${cookie?.value}`)
    expect({ ...session.data }).toEqual({ profile: { name: 'Ada' }, cents: 1000 })
  })

  it('for a cart counts all of twenty requests at once', async () => {
    const visitor = await visit('recipes/cart-0')
    await visitor.fetch('/?article=hat', post)
    await Promise.all(Array.from({ length: 20 }, () => visitor.fetch('/?article=hat', post)))
    expect(await text(visitor.fetch('/'))).toBe('{"hat":21}')
    await visitor.fetch('/?article=hat&count=-21', post)
    expect(await text(visitor.fetch('/'))).toBe('{}')
  })

  it('for devices lists them, and ends one or all others', async () => {
    const phone = await visit('recipes/devices-0')
    const laptop = await visit('recipes/devices-0')
    const tablet = await visit('recipes/devices-0')
    expect((await laptop.fetch('/devices')).status).toBe(401)
    const login = { method: 'POST', headers: { 'User-Agent': 'a browser' } }
    for (const visitor of [phone, laptop, tablet]) await visitor.fetch('/login', login)
    const list = (await (await laptop.fetch('/devices')).json()) as Device[]
    expect(list.map(({ label }) => label)).toEqual(['a browser', 'a browser', 'a browser'])
    const [other] = list.filter(({ isThis }) => !isThis)
    expect(await text(laptop.fetch(`/devices/end?ref=${other!.ref}`, post))).toBe('revoked')
    expect(await text(laptop.fetch('/devices/end-others', post))).toBe('revoked')
    const states = [phone, laptop, tablet].map(async (one) => (await one.fetch('/devices')).status)
    expect(await Promise.all(states)).toEqual([401, 200, 401])
  })

  it('for a single-page app tells a stranger from an outage, and another site from ours', async () => {
    const visitor = await visit('recipes/single-page-app-0', 'api')
    expect((await visitor.fetch('/')).status).toBe(401)
    const foreign = { method: 'PUT', body: 'dark', headers: { Origin: 'https://evil.example' } }
    expect((await visitor.fetch('/', foreign)).status).toBe(403)
  })

  it('against forged forms accepts its own, and no other', async () => {
    const visitor = await visit('recipes/csrf-0')
    const page = await text(visitor.fetch('/'))
    const token = /value="([^"]+)"/.exec(page)?.[1] ?? ''
    const send = async (csrf: string): Promise<number> =>
      (await visitor.fetch('/', { method: 'POST', body: new URLSearchParams({ csrf }) })).status
    expect([await send(token), await send('another')]).toEqual([200, 403])
  })

  it('for streaming saves what comes after the headers', async () => {
    const visitor = await visit('recipes/streaming-0')
    await visitor.fetch('/begin', post)
    expect(await text(visitor.fetch('/'))).toBe('Report 1\nThe end\n')
    expect(await text(visitor.fetch('/'))).toBe('Report 2\nThe end\n')
  })
})

interface Version {
  createShopSessions(store: SessionStore): Sessions<object>
  nameOf(data: object): string | undefined
  rename(data: object, name: string): void
}

interface Device {
  readonly ref: string
  readonly label: string
  readonly isThis: boolean
}
