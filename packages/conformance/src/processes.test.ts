import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createSessions } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createVisitor, increment } from './visitor.ts'

let memcached: MemcachedProcess
beforeAll(async () => void (memcached = await startMemcached()))
afterAll(() => memcached.kill())

const worker = fileURLToPath(new URL('worker.ts', import.meta.url))

async function startWorker(...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [worker, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

async function run(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit')
  child.stdin?.write('go\n')
  const [code] = await ended
  return code
}

it('two processes, 25 parallel requests each: 50 keys are kept, and 50 increments counted', async () => {
  const store = memcachedStore({ servers: memcached.address })
  const visitor = createVisitor(createSessions({ store }))
  await visitor.visit(increment)
  const workers = await Promise.all([
    startWorker(memcached.address, visitor.cookie, '0', '25'),
    startWorker(memcached.address, visitor.cookie, '25', '25'),
  ])
  expect(await Promise.all(workers.map(run))).toEqual([0, 0])
  const { data } = await visitor.visit(() => {})
  store.close()
  expect(data).toMatchObject({ counter: 51, own0: true, own49: true })
  expect(Object.keys(data as object)).toHaveLength(51)
})
