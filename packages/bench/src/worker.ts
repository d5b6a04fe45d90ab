import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Message, Reply, Results, Task } from './child.ts'
import type { Listed } from './contenders/list.ts'

const script = fileURLToPath(new URL('child.ts', import.meta.url))

/** A contender's process. */
export interface Worker {
  readonly contender: Listed
  /** Rejects if the task fails or the process ends. */
  readonly ask: <type extends Task['type']>(
    task: Extract<Task, { type: type }>,
  ) => Promise<Results[type]>
  readonly end: () => Promise<void>
}

interface Waiting {
  readonly resolve: (result: Results[keyof Results]) => void
  readonly reject: (error: Error) => void
}

/** `node`: the path of the binary to run it with. */
export async function startWorker(contender: Listed, node: string): Promise<Worker> {
  const child = fork(script, [contender.file, contender.name], {
    execPath: node,
    execArgv: ['--expose-gc', '--no-warnings'],
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let complaints = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4000)
  })
  const waiting = new Map<number, Waiting>()
  let tasks = 0
  let end: Error | null = null
  const exit = once(child, 'exit').then(([code, signal]) => {
    end = new Error(`${contender.name}: its process ended (${code ?? signal})\n${complaints}`)
    for (const { reject } of waiting.values()) reject(end)
  })
  await Promise.race([
    once(child, 'message'),
    exit.then(() => {
      throw end!
    }),
  ])
  child.on('message', (reply: Reply) => {
    const asked = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('error' in reply) asked?.reject(new Error(`${contender.name}: ${reply.error}`))
    else asked?.resolve(reply.result)
  })
  return {
    contender,
    ask<type extends Task['type']>(task: Extract<Task, { type: type }>) {
      return new Promise<Results[type]>((resolve, reject) => {
        if (end !== null) return reject(end)
        const id = tasks++
        waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
        child.send({ id, task } satisfies Message)
      })
    },
    async end() {
      child.kill('SIGKILL')
      await exit
    },
  }
}
