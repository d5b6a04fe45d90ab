import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { exampleProcess } from '@coatcheck/harness/example-suite'
import { createVisitor } from '@coatcheck/testing'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { observe } from './observe.ts'
import type { Recipe } from './recipes.ts'
import { recipes } from './recipes.ts'

const cwd = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

let memcached: MemcachedProcess
beforeAll(async () => void (memcached = await startMemcached()))
afterAll(() => memcached.kill())

async function start(command: readonly [string, ...string[]]): Promise<string> {
  const running = await exampleProcess({ command, cwd })({ MEMCACHE_SERVERS: memcached.address })
  onTestFinished(async () => void (await running.stop()))
  return running.url
}

it.each(recipes)('the table says what $server does', async ({ server, file, command }) => {
  const cells = await observe(await start(command), memcached)
  const row = `| [${server}](src/${file}) | ${cells.join(' | ')} |`
  const rows = readme
    .split('\n')
    .filter((line) => line.startsWith('| [') && line.includes(`(src/${file})`))
  expect(rows).toEqual([row])
})

it.each(recipes)('$file has at most 30 lines', ({ file }) => {
  const lines = readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  expect(lines.length).toBeLessThanOrEqual(30)
})

it('Bun upgrades a visitor with a session, and no other', async () => {
  const { command } = recipes.find(({ file }) => file === 'bun.ts') as Recipe
  const url = await start(command)
  const upgrade = (cookie: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
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
  const visitor = createVisitor((each) => fetch(each), { origin: url })
  expect(await upgrade('')).toBe(403)
  await visitor.fetch('/')
  expect(await upgrade(visitor.cookie)).toBe(101)
})
