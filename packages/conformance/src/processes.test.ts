import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createSessions } from '@coatcheck/core'
import { expect, it, onTestFinished } from 'vitest'
import { engines } from './engines.ts'
import { openStore } from './open-store.ts'
import { createVisitor, increment } from './visitor.ts'

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

it.each(engines)(
  'two processes, 25 parallel requests each, on $name: 50 keys are kept, and 50 increments counted',
  async (engine) => {
    const server = await engine.start()
    onTestFinished(() => server.end())
    const store = openStore(server.url)
    const visitor = createVisitor(createSessions({ store }))
    await visitor.visit(increment)
    const workers = await Promise.all([
      startWorker(server.url, visitor.cookie, '0', '25'),
      startWorker(server.url, visitor.cookie, '25', '25'),
    ])
    expect(await Promise.all(workers.map(run))).toEqual([0, 0])
    const { data } = await visitor.visit(() => {})
    store.close()
    expect(data).toMatchObject({ counter: 51, own0: true, own49: true })
    expect(Object.keys(data as object)).toHaveLength(51)
  },
)
