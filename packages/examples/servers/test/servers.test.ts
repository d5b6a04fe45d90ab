import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { exampleProcess } from '@coatcheck/harness/example-suite'
import { createVisitor } from '@coatcheck/testing'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { observe } from './observe.ts'
import type { Recipe } from './recipes.ts'
import { onBun, recipes } from './recipes.ts'

const cwd = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

let memcached: MemcachedProcess
beforeAll(async () => void (memcached = await startMemcached()))
afterAll(() => memcached.kill())

async function buildIn(folder: string, [program, ...args]: readonly string[]): Promise<void> {
  const env = { ...process.env, ASTRO_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' }
  await promisify(execFile)(program ?? '', args, { cwd: join(cwd, folder), env })
}

async function start({ build, command }: Recipe): Promise<string> {
  if (build) await buildIn(build.folder, build.command)
  const running = await exampleProcess({ command, cwd })({ MEMCACHE_SERVERS: memcached.address })
  onTestFinished(async () => void (await running.stop()))
  return running.url
}

it.each(recipes)('the table says what $server does', async (recipe) => {
  const { server, file } = recipe
  const cells = await observe(await start(recipe), memcached)
  const row = `| [${server}](${file}) | ${cells.join(' | ')} |`
  const rows = readme
    .split('\n')
    .filter((line) => line.startsWith('| [') && line.includes(`(${file})`))
  expect(rows).toEqual([row])
})

it.each(recipes)('$file has at most 30 lines', ({ file }) => {
  const lines = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  expect(lines.length).toBeLessThanOrEqual(30)
})

it('has no other row', () => {
  const rows = readme.split('\n').filter((line) => line.startsWith('| ['))
  expect(rows).toHaveLength(recipes.length)
})

/** The status of the answer to a request for a WebSocket. */
function upgrade(url: string, cookie: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version': '13',
      Cookie: cookie,
    }
    const asked = request(url, { headers })
    asked.once('upgrade', ({ statusCode }, socket) => {
      socket.destroy()
      resolve(statusCode)
    })
    asked.once('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.once('error', reject).end()
  })
}

it('Bun upgrades a visitor with a session, and no other', async () => {
  const recipe = recipes.find(({ file }) => file === 'src/bun.ts') as Recipe
  const url = await start(recipe)
  const visitor = createVisitor((each) => fetch(each), { origin: url })
  expect(await upgrade(url, '')).toBe(403)
  await visitor.fetch('/')
  expect(await upgrade(url, visitor.cookie)).toBe(101)
})

it('Hono on Bun says that what is changed before an upgrade is not saved', async () => {
  const url = await start(onBun('Hono', 'test/hono-sockets.ts'))
  for (const [path, errors] of [
    ['/read', []],
    ['/change', [expect.stringMatching(/status 101.*commit\(\)/)]],
  ] as const) {
    expect(await upgrade(url + path, '')).toBe(101)
    expect(await (await fetch(`${url}/public`)).json()).toEqual(errors)
  }
})
