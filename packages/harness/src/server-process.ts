import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Kills a server when this process ends. An exit handler does not run when a test runner kills its worker, so a shell
 * reads from a pipe of this process: when this process ends for any reason, the pipe closes and the shell kills the
 * server. `pid`: negative for a whole group.
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

/** Whether any thread is still running: each runs until the signal reaches it. */
export function isRunning(pid: number): boolean {
  const tasks = `/proc/${pid}/task`
  try {
    return readdirSync(tasks).some((task) => isThreadRunning(`${tasks}/${task}/stat`))
  } catch {
    return false
  }
}

/** False also for a thread that has ended since the folder was read. */
function isThreadRunning(stat: string): boolean {
  try {
    return !/\) [TZX] /.test(readFileSync(stat, 'latin1'))
  } catch {
    return false
  }
}

export function waitSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/**
 * A port below 32768, where Linux's range for outgoing connections begins. So no such connection can take the port
 * while a server restarts, and a connecting client cannot connect to itself. No other process is given the port
 * before this one ends: a server may need seconds until it listens.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (!claim(port)) continue
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(false))
      probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => resolve(true)))
    })
    if (free) return port
  }
}

/** A folder for each process, and in it an empty file for each port that the process has claimed. */
const claims = join(tmpdir(), 'coatcheck-ports')

/** Claims a port for as long as this process runs. False: it is claimed. */
function claim(port: number): boolean {
  const own = join(claims, String(process.pid))
  const file = join(own, String(port))
  mkdirSync(own, { recursive: true })
  try {
    writeFileSync(file, '', { flag: 'wx' })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
  // The own claim is written before the others are read. So of two processes at once, at most one takes the port.
  for (const pid of readdirSync(claims)) {
    if (!isRunning(Number(pid))) rmSync(join(claims, pid), { recursive: true, force: true })
    else if (pid !== String(process.pid) && existsSync(join(claims, pid, String(port)))) {
      rmSync(file)
      return false
    }
  }
  return true
}

/** The output of the process so far. */
export function collectOutput(child: ChildProcess): () => string {
  const chunks: string[] = []
  child.stdout?.on('data', (chunk) => chunks.push(String(chunk)))
  child.stderr?.on('data', (chunk) => chunks.push(String(chunk)))
  child.on('error', ({ message }) => chunks.push(message))
  return () => chunks.join('')
}

/** Whether it was started and has not ended, according to Node. */
export function hasNotEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null
}
