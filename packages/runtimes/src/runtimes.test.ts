import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { brotliCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Ended } from './case.ts'
import { casesOf } from './cases/all.ts'
import { installPrograms } from './host/programs.ts'
import type { Programs } from './host/programs.ts'
import { processRuntime, runtimesOf } from './host/runtimes.ts'
import { createStage, minified } from './host/stage.ts'
import type { Stage } from './host/stage.ts'
import { startWorkerd } from './host/workerd.ts'
import type { Workerd } from './host/workerd.ts'
import { tableOf } from './table.ts'
import type { Column } from './table.ts'

let programs: Programs
let stage: Stage
let memcached: MemcachedProcess
const columns: Column[] = []

beforeAll(async () => {
  programs = installPrograms()
  stage = await createStage()
  memcached = await startMemcached({ trace: false })
}, 600_000)
afterAll(() => memcached?.stop())

const failed = (ended: readonly Ended[]) => ended.filter(({ error }) => error !== null)
const names = ['Node 22', 'Node 24', 'Node 26', 'Bun', 'Deno', 'workerd', 'edge VM']

describe('the suite, on the packages as they are packed', () => {
  it('has 120 cases or more, each with a name of its own', () => {
    const cases = casesOf(true).map(({ feature, name }) => `${feature}: ${name}`)
    expect(cases.length).toBeGreaterThanOrEqual(120)
    expect(new Set(cases).size).toBe(cases.length)
  })

  it.each(names)('passes on %s', async (name) => {
    const runtime = (await runtimesOf(programs)).find((each) => each.name === name)!
    const ended = await runtime.run(stage, memcached.address)
    columns.push({ name, version: runtime.version, ended })
    expect(failed(ended)).toEqual([])
    expect(ended).toHaveLength(casesOf(name !== 'edge VM').length)
  })

  it('starts on Node 20, which is older than what is supported', async () => {
    const node = await processRuntime('Node 20', programs.node20)
    const ended = await node.run(stage, memcached.address)
    const inMemory = ended.filter(({ feature }) => !feature.startsWith('memcached'))
    expect(failed(inMemory)).toEqual([])
    expect(inMemory).toHaveLength(casesOf(false).length)
  })

  it('seals the same bytes on every runtime', () => {
    expect(columns.map(({ name }) => name)).toEqual(names)
    const saidBy = columns.map(({ ended }) =>
      ended.filter(({ said }) => said !== null).map(({ name, said }) => [name, said]),
    )
    expect(saidBy[0]!.length).toBeGreaterThan(4)
    for (const said of saidBy) expect(said).toEqual(saidBy[0])
  })

  it('gives the table of the README', async () => {
    const versions = `Written by \`runtimes.test.ts\`: cases that pass. To write it again: \`npx vitest run --project packages packages/runtimes -u\`.`
    await expect(`# Runtimes\n\n${versions}\n\n${tableOf(columns)}\n`).toMatchFileSnapshot(
      '../RUNTIMES.md',
    )
  })
})

describe('the size of a bundle, minified', () => {
  /** Bytes, and bytes in brotli. What passes these has to be worth it. */
  const budgets: readonly [
    code: string,
    external: readonly string[],
    bytes: number,
    brotli: number,
  ][] = [
    ["export { createSessions } from '@coatcheck/core'", [], 121_500, 37_450],
    ["export { memcachedStore } from '@coatcheck/memcached'", ['@coatcheck/core'], 48_700, 16_200],
    // One import has no side effect, and takes nothing else with it.
    ["export { byKey } from '@coatcheck/core'", [], 1600, 700],
    [
      "import '@coatcheck/core'; import '@coatcheck/core/memory'; import '@coatcheck/memcached'",
      [],
      0,
      1,
    ],
  ]

  it.each(budgets)('%s', async (code, external, bytes, brotli) => {
    const text = await minified(stage, code, external)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(bytes)
    expect(brotliCompressSync(text).length).toBeLessThanOrEqual(brotli)
  })
})

describe('an app on Cloudflare Workers, with sessions and store at module scope', () => {
  let workerd: Workerd
  beforeAll(async () => void (workerd = await startWorkerd(programs, stage, memcached.address)))
  afterAll(() => workerd?.end())

  const cookieOf = (response: Response) => response.headers.getSetCookie()[0]!.split(';')[0]!
  const kinds = ['memory', 'binary', 'meta', 'auto']

  it.each(kinds)(
    'saves all of 100 requests at once on one session, three times (%s)',
    async (kind) => {
      const first = await workerd.fetch(`sessions/${kind}?key=first`)
      const cookie = cookieOf(first)
      for (let wave = 0; wave < 3; wave++) {
        const responses = await Promise.all(
          Array.from({ length: 100 }, (_, at) =>
            workerd.fetch(`sessions/${kind}?key=wave${wave}at${at}`, cookie),
          ),
        )
        expect(responses.map(({ status }) => status)).toEqual(Array(100).fill(200))
        await Promise.all(responses.map((response) => response.text()))
      }
      expect(await (await workerd.fetch(`sessions/${kind}`, cookie)).json()).toBe(301)
    },
  )

  it.each(kinds)('saves 100 sessions at once (%s)', async (kind) => {
    const sizes = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const begun = await workerd.fetch(`sessions/${kind}?key=one`)
        await begun.text()
        const cookie = cookieOf(begun)
        await (await workerd.fetch(`sessions/${kind}?key=two`, cookie)).text()
        return (await workerd.fetch(`sessions/${kind}`, cookie)).json()
      }),
    )
    expect(sizes).toEqual(Array(100).fill(2))
  })

  it('sends a sign-out again, after its response has left', async () => {
    const cookie = cookieOf(await workerd.fetch('logout'))
    const response = await workerd.fetch('logout', cookie)
    expect(response.status).toBe(503)
    await expect
      .poll(async () => (await workerd.fetch('deletes')).json(), { timeout: 20_000, interval: 200 })
      .toEqual([3, 0])
  })

  it.each([
    ['unix', 'unix socket'],
    ['tls', 'rejectUnauthorized'],
    ['shared', 'per-request'],
  ])('refuses what cannot work when the store is made (%s)', async (name, what) => {
    expect(await (await workerd.fetch(`unfit/${name}`)).text()).toContain(what)
  })
})
