import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Environment variables for an example; NODE_ENV among them, where it matters. */
export type ExampleEnv = Readonly<Record<string, string>>

/** An example that runs. */
export interface RunningExample {
  /** `http://localhost:PORT` */
  readonly url: string
  /** Ends it as a supervisor would (SIGTERM) and gives back its exit code. */
  stop(): Promise<number | null>
}

/** Starts an example with these variables next to HOST and PORT, which the starter chooses. */
export type StartExample = (env: ExampleEnv) => Promise<RunningExample>

export interface ExampleCommand {
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]]
  /** The folder to run it in. */
  readonly cwd: string
}

/** How an example is started: as a process of its own, on a free port, until it answers. */
export function exampleProcess({ command, cwd }: ExampleCommand): StartExample {
  return async (env) => {
    const port = await freePort()
    const [program, ...args] = command
    const child = spawn(program, args, {
      cwd,
      env: { ...inherited(), SESSION_SECRETS: secrets, ...env, HOST: '127.0.0.1', PORT: `${port}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    endWithUs(child)
    const said = listenTo(child)
    const url = `http://localhost:${port}`
    await answering(child, url, said)
    return { url, stop: () => stop(child, said) }
  }
}

/** Newest first. */
const secrets = 'a secret for the example applications,and the one that it had before this one'

/** Ours, without what would change how an example runs. */
function inherited(): NodeJS.ProcessEnv {
  const { NODE_ENV: _mode, EXPLAIN: _explain, MEMCACHE_SERVERS: _servers, ...rest } = process.env
  return rest
}

function listenTo(child: ChildProcess): () => string {
  const chunks: string[] = []
  child.stdout?.on('data', (chunk) => chunks.push(String(chunk)))
  child.stderr?.on('data', (chunk) => chunks.push(String(chunk)))
  child.on('error', ({ message }) => chunks.push(message))
  return () => chunks.join('').slice(-2000)
}

async function answering(child: ChildProcess, url: string, said: () => string): Promise<void> {
  const deadline = Date.now() + 50_000
  while (isRunning(child) && Date.now() < deadline) {
    const { ok } = await fetch(`${url}/public`).catch(() => ({ ok: false }))
    if (ok) return
    await sleep(25)
  }
  child.kill('SIGKILL')
  throw new Error(`The example does not answer at ${url}. It said:\n${said()}`)
}

async function stop(child: ChildProcess, said: () => string): Promise<number | null> {
  if (!isRunning(child)) throw new Error(`The example had ended by itself. It said:\n${said()}`)
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
  return child.exitCode
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** When we are gone, for whatever reason, the pipe closes and the shell at its end kills the example. */
function endWithUs(child: ChildProcess): void {
  const script = `trap '' INT TERM HUP; read _ || kill -9 ${child.pid}`
  const watcher = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] })
  watcher.unref()
  watcher.stdin.on('error', () => {})
  child.once('exit', () => watcher.stdin.end('\n'))
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
