import {
  collectOutput,
  endWithThisProcess,
  freePort,
  hasNotEnded,
} from '@coatcheck/harness/server-process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export type Env = Readonly<Record<string, string>>

/** What a person's shell has: nothing of the test runner's and of the npm that started it. `programs`: more for PATH. */
export function shellEnv(home: string, programs: readonly string[]): Env {
  const { PATH = '' } = process.env
  const kept = Object.entries(process.env).filter(([name]) => !ofTests.test(name))
  return {
    ...(Object.fromEntries(kept) as Env),
    PATH: [dirname(process.execPath), ...programs, PATH].join(delimiter),
    // Generators keep answers of last time there.
    XDG_CONFIG_HOME: home,
    NEXT_TELEMETRY_DISABLED: '1',
    NO_COLOR: '1',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
    // Takes the place of the Enter that npx waits for.
    npm_config_yes: 'true',
  }
}

const ofTests =
  /^(?:NODE_ENV|NODE_OPTIONS|NODE_PATH|CI|VITEST.*|TEST|DEV|PROD|MODE|SSR|BASE_URL|INIT_CWD|npm_(?!config_(?:registry|cache|userconfig)$).*|pnpm_.*)$/i

/** Runs a command to its end, and resolves with what it printed. */
export async function run(command: string, cwd: string, env: Env): Promise<string> {
  const child = spawn('sh', ['-c', command], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = collectOutput(child)
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new Error(`${command}\nended with ${status}:\n${said()}`)
  return said()
}

/** A server that a command has started. */
export interface Server {
  /** `http://localhost:PORT`, as it printed it, or else as `PORT` says. */
  readonly url: string
  readonly said: () => string
  readonly stop: () => Promise<void>
}

/** Starts a server, and waits until it answers. */
export async function serve(command: string, cwd: string, env: Env): Promise<Server> {
  const port = await freePort()
  const child = spawn('sh', ['-c', command], {
    cwd,
    env: { ...env, PORT: `${port}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: `npm run dev` and `npx` have children.
    detached: true,
  })
  if (child.pid !== undefined)
    endWithThisProcess(-child.pid, new Promise((ended) => child.once('exit', ended)))
  const said = collectOutput(child)
  const stop = async (): Promise<void> => {
    if (!hasNotEnded(child)) return
    const end = once(child, 'close')
    process.kill(-(child.pid as number), 'SIGKILL')
    await end
  }
  const urlNow = (): string =>
    /Local:\s+(http:\/\/localhost:\d+)/.exec(said())?.[1] ?? `http://localhost:${port}`
  for (let tries = 0; tries < 1200 && hasNotEnded(child); tries++) {
    const answer = await fetch(urlNow(), { redirect: 'manual' }).catch(() => null)
    await answer?.arrayBuffer()
    if (answer !== null) return { url: urlNow(), said, stop }
    await sleep(100)
  }
  await stop()
  throw new Error(`${command}\ndoes not answer at ${urlNow()}:\n${said()}`)
}
