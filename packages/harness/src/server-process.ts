import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/**
 * An exit handler does not run when a test runner kills its worker. So a shell reads from a pipe of this process:
 * when this process ends, for whatever reason, the pipe closes and the shell kills the server. `pid`: negative for a
 * whole group.
 */
export function endWithThisProcess(pid: number, exit: Promise<unknown>): void {
  const script = `trap '' INT TERM HUP; read _ || kill -9 ${pid}`
  const watcher = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] })
  watcher.unref()
  const pipe = watcher.stdin as typeof watcher.stdin & { unref?(): void }
  pipe.unref?.()
  pipe.on('error', () => {})
  void exit.then(() => pipe.end('\n'))
}

/** Whether a thread still runs: each runs until the signal reaches it. */
export function isRunning(pid: number): boolean {
  const tasks = `/proc/${pid}/task`
  if (!existsSync(tasks)) return false
  return readdirSync(tasks).some((task) => {
    const stat = readFileSync(`${tasks}/${task}/stat`, 'latin1')
    return !/\) [TZX] /.test(stat)
  })
}

export function waitSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/**
 * A port below 32768, where Linux's ports for outgoing connections begin: no such connection can take the port
 * while a server restarts, and a client that tries to connect cannot connect to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(false))
      probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => resolve(true)))
    })
    if (free) return port
  }
}

/** What the process has printed until now. */
export function collectOutput(child: ChildProcess): () => string {
  const chunks: string[] = []
  child.stdout?.on('data', (chunk) => chunks.push(String(chunk)))
  child.stderr?.on('data', (chunk) => chunks.push(String(chunk)))
  child.on('error', ({ message }) => chunks.push(message))
  return () => chunks.join('')
}

/** Whether it was started and has not ended, as Node knows. */
export function hasNotEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null
}
