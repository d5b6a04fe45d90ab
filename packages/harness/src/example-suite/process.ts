import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { collectOutput, endWithThisProcess, freePort, hasNotEnded } from '../server-process.ts'

/** Environment variables for an example, including NODE_ENV where it matters. */
export type ExampleEnv = Readonly<Record<string, string>>

/** A running example. */
export interface RunningExample {
  /** `http://localhost:PORT` */
  readonly url: string
  /** Ends it with SIGTERM. Resolves with its exit code. */
  stop(): Promise<number | null>
}

/** Starts an example with these variables. It chooses HOST and PORT itself. */
export type StartExample = (env: ExampleEnv) => Promise<RunningExample>

export interface ExampleCommand {
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]]
  /** The folder to run it in. */
  readonly cwd: string
}

/** Starts an example as a separate process on a free port, and waits until it answers. */
export function exampleProcess({ command, cwd }: ExampleCommand): StartExample {
  return async (env) => {
    const port = await freePort()
    const [program, ...args] = command
    const child = spawn(program, args, {
      cwd,
      env: { ...inherited(), SESSION_SECRETS: secrets, ...env, HOST: '127.0.0.1', PORT: `${port}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    if (child.pid !== undefined)
      endWithThisProcess(child.pid, new Promise((ended) => child.once('exit', ended)))
    const said = collectOutput(child)
    const output = (): string => said().slice(-2000)
    const url = `http://localhost:${port}`
    await waitUntilReady(child, url, output)
    return { url, stop: () => stop(child, output) }
  }
}

/** Newest first. */
const secrets = 'a secret for the example applications,and the one that it had before this one'

/** This process's environment without the variables that configure an example. */
function inherited(): NodeJS.ProcessEnv {
  const {
    NODE_ENV: _mode,
    EXPLAIN: _explain,
    MEMCACHE_SERVERS: _servers,
    VALKEY_URL: _valkey,
    ...rest
  } = process.env
  // Next.js' types declare NODE_ENV as always set.
  return rest as NodeJS.ProcessEnv
}

async function waitUntilReady(
  child: ChildProcess,
  url: string,
  output: () => string,
): Promise<void> {
  const deadline = Date.now() + 50_000
  while (hasNotEnded(child) && Date.now() < deadline) {
    const { ok } = await fetch(`${url}/public`).catch(() => ({ ok: false }))
    if (ok) return
    await sleep(25)
  }
  child.kill('SIGKILL')
  throw new Error(`The example does not answer at ${url}. Its output:\n${output()}`)
}

async function stop(child: ChildProcess, output: () => string): Promise<number | null> {
  if (!hasNotEnded(child)) throw new Error(`The example ended by itself. Its output:\n${output()}`)
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
  return child.exitCode
}
