import type { RunningExample, StartExample } from '@coatcheck/harness/example-suite'
import { startMemcached } from '@coatcheck/harness/memcached'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'

/** A development server of an example, and the files whose edits make it run the file of the sessions again. */
export interface Development {
  readonly start: StartExample
  readonly sessionsFile: string
  readonly edited: readonly string[]
}

const edits = 10

/** The application's connection, and the one that asks for the number. */
const fewConnections = 2

/** 10 edits of one file, each of which runs the file of the sessions again. */
export function describeReloads(name: string, create: () => Development): void {
  describe(`${name}, in development`, () => {
    it('keeps its connection to memcached, and the session, over 10 edits', async () => {
      const { start, sessionsFile, edited } = create()
      const memcached = await startMemcached()
      onTestFinished(() => memcached.kill())
      const runs = runsOf(sessionsFile)
      const app = await start({ NODE_ENV: 'development', MEMCACHE_SERVERS: memcached.address })
      onTestFinished(async () => void (await app.stop()))
      const connections = async () => Number((await memcached.stats())['curr_connections'])
      const visitor = createVisitor(app)
      await visitor.count()
      expect(await connections()).toBe(fewConnections)
      for (const file of edited) {
        for (let edit = 1; edit <= edits; edit++) {
          // The watcher takes two changes within 50 ms for one.
          await sleep(200)
          const before = runs()
          appendFileSync(file, `// edit ${edit}\n`)
          await expect
            .poll(async () => {
              await visitor.count()
              return runs()
            })
            .toBeGreaterThan(before)
        }
        expect(await connections()).toBe(fewConnections)
      }
      const { asked, counted } = visitor.counts()
      expect(counted).toBe(asked)
    })
  })
}

/** Makes a module count its runs in a file. */
function runsOf(module: string): () => number {
  const folder = mkdtempSync(join(tmpdir(), 'reloads-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'runs')
  appendFileSync(file, '')
  const count = `process.getBuiltinModule('node:fs').appendFileSync(${JSON.stringify(file)}, '.')`
  appendFileSync(module, `\n${count}\n`)
  return () => readFileSync(file, 'utf8').length
}

/** A visitor who counts visits, one after the other. A request that a reload interrupts is not counted. */
function createVisitor({ url }: RunningExample) {
  let cookie = ''
  let asked = 0
  let counted = 0
  return {
    async count(): Promise<void> {
      const response = await fetch(`${url}/api/increment?key=visits`, {
        method: 'POST',
        headers: { Cookie: cookie, Origin: url },
      })
      const { data } = (await response.json()) as { data: { visits: number } }
      const [line] = response.headers.getSetCookie()
      cookie = line?.split(';')[0] ?? cookie
      asked++
      counted = data.visits
    },
    counts: () => ({ asked, counted }),
  }
}
