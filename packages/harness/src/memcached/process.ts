import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Complete } from './text-protocol.ts'
import {
  askStats,
  sendText,
  endOfDump,
  endOfLine,
  endOfList,
  endOfValue,
  expectAnswer,
  parseStats,
} from './text-protocol.ts'
import { endWithThisProcess, freePort, isRunning, waitSync } from '../server-process.ts'
import { openLog, ownMark } from './log.ts'

export interface MemcachedOptions {
  /** More arguments for memcached, e.g. `['-C']`, `['-m', '8']`. */
  readonly args?: readonly string[]
  /** More environment variables for memcached, e.g. `SASL_CONF_PATH`. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: a free port below 32768. */
  readonly port?: number
  /** Worker threads. Default: 4, like memcached. */
  readonly threads?: number
  /**
   * Keeps memcached's log of the commands it reads, which `commands()` counts. Default: true. Use false to
   * measure speed: the log costs memcached some 30 writes per command.
   */
  readonly trace?: boolean
}

/**
 * The number of commands that memcached has executed since its first start. `total` and `guards` are counted in its
 * log. They are exact for the binary protocol and for `mg`, `ms`, `md`, `ma` and `cas`, and continue over a restart.
 * `guards` are the `mg` with no flag but a number, which read nothing: the store sends one after each `cas`, because
 * the answer to that has no number, and one to detect the protocol. `total` excludes them. The other numbers are
 * memcached's statistics: they start at 0 with each process, and do not include a delete with a stale cas, a write that
 * is too large, or `version`.
 */
export interface CommandCounts {
  readonly total: number
  readonly guards: number
  /** GET; a get-and-touch counts as `touch` only. */
  readonly get: number
  /** TOUCH and GAT. */
  readonly touch: number
  /** SET, ADD and REPLACE, whatever the outcome. */
  readonly set: number
  readonly deleteHits: number
  readonly deleteMisses: number
  readonly casHits: number
  readonly casMisses: number
  readonly casStale: number
}

/** A memcached process for tests. It ends with the test process, even if that is killed. */
export interface MemcachedProcess {
  readonly port: number
  /** `127.0.0.1:PORT` */
  readonly address: string
  /** The id of the running process, or of the last one. */
  readonly pid: number
  stats(): Promise<Record<string, string>>
  commands(): Promise<CommandCounts>
  /** Removes all records. */
  flush(): Promise<void>
  /** Removes one record. Resolves with false if it does not exist. */
  evict(key: string): Promise<boolean>
  /** The keys of all records. */
  keys(): Promise<string[]>
  /** The bytes of a record; null if it does not exist. */
  rawGet(key: string): Promise<Buffer | null>
  /** Writes a record without a version check. `ttl` as memcached has it; default 0: never expires. */
  rawSet(key: string, value: Uint8Array, ttl?: number): Promise<void>
  /** The seconds until the record expires; -1 if it never expires; null if it does not exist. */
  ttl(key: string): Promise<number | null>
  /** Suspends the process (SIGSTOP): connections stay open and are accepted, but get no answer. */
  pause(): void
  resume(): void
  /** Ends the process with SIGTERM, which takes a second. Does nothing if it is not running. */
  stop(): Promise<void>
  /** Ends the process with SIGKILL. */
  kill(): Promise<void>
  /** Kills the process if it is running, and starts a new one: same port, same arguments, no records. */
  restart(): Promise<void>
}

/** The number of commands that memcached executed between two calls of `commands()`. */
export function commandCount(before: CommandCounts, after: CommandCounts): number {
  return after.total - before.total
}

/**
 * Starts the system's memcached on 127.0.0.1 and waits until it answers. If it does not start, rejects with its
 * error output.
 */
export async function startMemcached(options: MemcachedOptions = {}): Promise<MemcachedProcess> {
  const { args = [], env = {}, threads = 4, trace = true } = options
  const log = openLog()
  let port = options.port ?? (await freePort())
  let running: Running | undefined

  const commandLine = () => [
    '-l',
    '127.0.0.1',
    '-U',
    '0',
    '-p',
    String(port),
    '-t',
    String(threads),
    ...(process.getuid?.() === 0 ? ['-u', 'root'] : []),
    ...(trace ? ['-vv'] : []),
    ...args,
  ]
  const start = async () => {
    running = launch(commandLine(), { ...process.env, ...env }, log.descriptor)
    await waitUntilReady(running, port, log.tail)
  }
  const end = async (signal: NodeJS.Signals) => {
    if (running === undefined || running.ended()) return
    running.child.ref()
    running.child.kill(signal)
    // A suspended process does not handle SIGTERM.
    if (signal === 'SIGTERM') running.child.kill('SIGCONT')
    await running.exit
  }

  for (let attempt = 1; ; attempt++) {
    try {
      await start()
      break
    } catch (error) {
      await end('SIGKILL')
      if (options.port !== undefined || attempt === 5) throw error
      port = await freePort()
    }
  }

  const ask = (command: string | Buffer, complete: Complete) => sendText(port, command, complete)
  const stats = async () => parseStats(await ask(askStats, endOfList))

  return {
    port,
    address: `127.0.0.1:${port}`,
    get pid() {
      return running?.child.pid ?? 0
    },
    stats,
    async commands() {
      if (!trace)
        throw new Error('commands() needs the log: start memcached without `trace: false`')
      return { ...log.commands(), ...counters(await stats()) }
    },
    async flush() {
      expectAnswer(await ask('flush_all\r\n', endOfLine), /^OK/)
    },
    async evict(key) {
      const answer = await ask(`delete ${key}\r\n`, endOfLine)
      return expectAnswer(answer, /^(DELETED|NOT_FOUND)/)[1] === 'DELETED'
    },
    async keys() {
      const keys = new Set<string>()
      // The crawler skips an item that another thread has locked, so one dump can lack a key.
      for (let dumps = 0; dumps < 2;) {
        const answer = String(await ask('lru_crawler metadump all\r\n', endOfDump))
        if (answer.startsWith('BUSY')) {
          await sleep(20)
          continue
        }
        for (const match of answer.matchAll(/^key=(\S+)/gm)) keys.add(decodeURIComponent(match[1]!))
        dumps++
      }
      return [...keys]
    },
    async rawGet(key) {
      const answer = await ask(`get ${key}\r\n`, endOfValue)
      const head = expectAnswer(answer, /^(?:END|VALUE \S+ \d+ (\d+))\r\n/)
      return head[1] === undefined
        ? null
        : answer.subarray(head[0].length, head[0].length + Number(head[1]))
    },
    async rawSet(key, value, ttl = 0) {
      const head = Buffer.from(`set ${key} 0 ${ttl} ${value.byteLength}\r\n`)
      const answer = await ask(Buffer.concat([head, value, Buffer.from('\r\n')]), endOfLine)
      expectAnswer(answer, /^STORED/)
    },
    async ttl(key) {
      const answer = await ask(`mg ${key} t ${ownMark}\r\n`, endOfLine)
      const match = expectAnswer(answer, /^(?:EN|HD t(-?\d+))/)
      return match[1] === undefined ? null : Number(match[1])
    },
    pause() {
      running?.child.kill('SIGSTOP')
      while (running?.child.pid !== undefined && isRunning(running.child.pid)) waitSync(1)
    },
    resume() {
      running?.child.kill('SIGCONT')
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGKILL')
      await start()
    },
  }
}

interface Running {
  readonly child: ChildProcess
  readonly exit: Promise<unknown>
  ended(): boolean
}

function launch(args: readonly string[], env: NodeJS.ProcessEnv, log: number): Running {
  const child = spawn('memcached', args, { env, stdio: ['ignore', 'ignore', log] })
  const exit = new Promise((resolve) => {
    child.once('exit', resolve)
    child.once('error', resolve)
  })
  const ended = () =>
    child.pid === undefined || child.exitCode !== null || child.signalCode !== null
  if (child.pid !== undefined) endWithThisProcess(child.pid, exit)
  child.unref()
  return { child, exit, ended }
}

/**
 * Waits until memcached answers. With -S, -Y or -B binary it refuses the command or closes the connection, which also
 * shows that it is running.
 */
async function waitUntilReady(
  running: Running,
  port: number,
  errorOutput: () => string,
): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!running.ended() && Date.now() < deadline) {
    const answer = await sendText(port, askStats, endOfList, 1000).catch((error: Error) => error)
    const isReady =
      answer instanceof Error
        ? /closed|ECONNRESET|CLIENT_ERROR/.test(answer.message)
        : parseStats(answer)['pid'] === String(running.child.pid)
    if (isReady && !running.ended()) return
    await sleep(5)
  }
  await sleep(0)
  throw new Error(`memcached did not start on port ${port}: ${errorOutput() || 'is it installed?'}`)
}

function counters(stats: Record<string, string>): Omit<CommandCounts, 'total' | 'guards'> {
  const number = (name: string) => Number(stats[name])
  return {
    get: number('cmd_get'),
    touch: number('cmd_touch'),
    set: number('cmd_set'),
    deleteHits: number('delete_hits'),
    deleteMisses: number('delete_misses'),
    casHits: number('cas_hits'),
    casMisses: number('cas_misses'),
    casStale: number('cas_badval'),
  }
}
