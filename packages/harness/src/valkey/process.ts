import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram, valkeyNames } from '../programs.ts'
import { endWithThisProcess, freePort, isRunning, waitSync } from '../server-process.ts'
import { askServer } from './resp.ts'
import type { Reply } from './resp.ts'

export interface ValkeyOptions {
  /** More arguments, e.g. `['--maxmemory', '8mb']`. By default, nothing is saved to disk. */
  readonly args?: readonly string[]
  /** Default: a free port below 32768. */
  readonly port?: number
}

/** A Valkey or Redis for tests, only on 127.0.0.1. It ends with the test process, even if that is killed. */
export interface ValkeyProcess {
  readonly port: number
  /** `127.0.0.1:PORT` */
  readonly address: string
  /** Its own folder in the temporary directory. */
  readonly folder: string
  readonly pid: number
  ask(...args: string[]): Promise<Reply>
  /** A field of INFO; empty if there is none. */
  info(field: string): Promise<string>
  /** How often it has run each command since it started, including commands from scripts. */
  commands(): Promise<Readonly<Record<string, number>>>
  /** Suspends it (SIGSTOP): connections stay open and are accepted, but get no answer. */
  pause(): void
  resume(): void
  /** SIGKILL. Does nothing if it is not running. */
  kill(): Promise<void>
  /** Kills it if it is running, and restarts it: same port, same arguments. */
  restart(): Promise<void>
  /** Kills it, and removes its folder. */
  end(): Promise<void>
}

/** Starts the system's Valkey or Redis, and waits until it answers. */
export async function startValkey(options: ValkeyOptions = {}): Promise<ValkeyProcess> {
  const program = findProgram(valkeyNames)
  if (program === undefined) throw new Error(`${valkeyNames.join(' and ')} are not on PATH`)
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-valkey-'))
  const log = join(folder, 'log')
  const port = options.port ?? (await freePort())
  let child: ChildProcess | undefined
  let exit: Promise<unknown> = Promise.resolve()

  async function start(): Promise<void> {
    const standard = ['--bind', '127.0.0.1', '--dir', folder, '--logfile', log]
    const volatile = ['--save', '', '--appendonly', 'no', '--port', String(port)]
    const { args = [] } = options
    const started = spawn(
      program!,
      [...withFile(args), ...standard, ...volatile, ...withoutFile(args)],
      {
        stdio: 'ignore',
      },
    )
    child = started
    exit = new Promise((resolve) => {
      started.once('exit', resolve)
      started.once('error', resolve)
    })
    if (started.pid !== undefined) endWithThisProcess(started.pid, exit)
    started.unref()
    await untilReady(started)
  }

  async function untilReady(started: ChildProcess): Promise<void> {
    for (let tries = 0; tries < 1000 && started.exitCode === null; tries++) {
      const answer = await askServer(port, ['ping'], 1000).catch((error: Error) => error.message)
      if (/^PONG|NOAUTH|MASTERDOWN/.test(String(answer))) return
      if (/wrong|closed|ECONNRESET/.test(String(answer)) && hasTls(options)) return
      await sleep(10)
    }
    throw new Error(`${program} did not start: ${readFileSync(log, 'utf8').slice(-2000)}`)
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.ref()
    child.kill('SIGKILL')
    await exit
  }

  await start()
  const ask = (...args: string[]): Promise<Reply> => askServer(port, args)
  return {
    port,
    address: `127.0.0.1:${port}`,
    folder,
    get pid() {
      return child?.pid ?? 0
    },
    ask,
    async info(field) {
      return new RegExp(`^${field}:([^\\r]*)`, 'm').exec(String(await ask('info')))?.[1] ?? ''
    },
    async commands() {
      const lines = String(await ask('info', 'commandstats')).matchAll(
        /^cmdstat_([^:]+):calls=(\d+)/gm,
      )
      return Object.fromEntries([...lines].map(([, name, calls]) => [name!, Number(calls)]))
    },
    pause() {
      child?.kill('SIGSTOP')
      while (child?.pid !== undefined && isRunning(child.pid)) waitSync(1)
    },
    resume() {
      child?.kill('SIGCONT')
    },
    kill,
    async restart() {
      await kill()
      await start()
    },
    async end() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A configuration file comes first. */
function withFile(args: readonly string[]): readonly string[] {
  return args.filter((arg) => arg.endsWith('.conf'))
}

function withoutFile(args: readonly string[]): readonly string[] {
  return args.filter((arg) => !arg.endsWith('.conf'))
}

function hasTls({ args = [] }: ValkeyOptions): boolean {
  return args.includes('--tls-port')
}
