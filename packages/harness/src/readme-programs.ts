import { createVisitor } from '@coatcheck/testing'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startMemcached } from './memcached/process.ts'
import type { MemcachedProcess } from './memcached/process.ts'
import { freePort } from './server-process.ts'

/**
 * Runs each TypeScript program on a package's page that begins with its file name, unchanged, on a memcached. Each
 * counts the visits of `/`. `folder`: the package, whose page has `count` such programs.
 */
export function describePrograms(folder: URL, count: number, page: 'README.md' | 'GUIDE.md'): void {
  const text = readFileSync(new URL(page, folder), 'utf8')
  const programs = [...text.matchAll(/^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)]
  /** Inside this package, so that its imports resolve. */
  const scratch = fileURLToPath(new URL('.cache/readme/', folder))

  let memcached: MemcachedProcess
  beforeAll(async () => {
    mkdirSync(scratch, { recursive: true })
    memcached = await startMemcached()
  })
  afterAll(async () => {
    await memcached.kill()
    rmSync(scratch, { recursive: true })
  })

  it.each(programs.map(([, file = '', code = '']) => ({ file, code })))(
    'runs the program $file as it is pasted, and counts',
    async ({ file, code }) => {
      mkdirSync(dirname(join(scratch, file)), { recursive: true })
      writeFileSync(join(scratch, file), code)
      const port = await freePort()
      const env = {
        ...process.env,
        PORT: `${port}`,
        MEMCACHE_SERVERS: memcached.address,
        NODE_ENV: '',
      }
      const child = spawn(process.execPath, [file], { cwd: scratch, env, stdio: 'inherit' })
      onTestFinished(() => void child.kill())
      const visitor = createVisitor((request) => fetch(request), {
        origin: `http://localhost:${port}`,
      })
      const ask = async (): Promise<string> => (await visitor.fetch('/')).text()
      await expect.poll(() => ask().catch(() => '')).toMatch(/1/)
      expect(await ask()).toMatch(/2/)
    },
  )

  it(`has ${count} programs`, () => {
    expect(programs).toHaveLength(count)
  })
}
