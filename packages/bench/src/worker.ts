import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Reply, Results, Task } from './child.ts'
import type { Listed } from './contenders/list.ts'

const script = fileURLToPath(new URL('child.ts', import.meta.url))

/** A contender's process. */
export interface Worker {
  readonly contender: Listed
  /** One task at a time. Rejects if it fails, or if the process ends. */
  readonly ask: <type extends Task['type']>(
    task: Extract<Task, { type: type }>,
  ) => Promise<Results[type]>
  readonly end: () => Promise<void>
}

/** `node`: the path of the binary that runs it. */
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
  const exit = once(child, 'exit')
  const next = async (): Promise<unknown> => {
    const [message] = (await Promise.race([
      once(child, 'message'),
      exit.then(([code, signal]) => {
        throw new Error(`${contender.name}: its process ended (${code ?? signal})\n${complaints}`)
      }),
    ])) as [unknown]
    return message
  }
  await next()
  return {
    contender,
    async ask<type extends Task['type']>(task: Extract<Task, { type: type }>) {
      const answer = next()
      child.send(task)
      const reply = (await answer) as Reply
      if ('error' in reply) throw new Error(`${contender.name}, ${task.type}: ${reply.error}`)
      return reply.result as Results[type]
    },
    async end() {
      child.kill('SIGKILL')
      await exit
    },
  }
}
