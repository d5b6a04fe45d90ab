import { spawn, spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface RedisProcess {
  readonly port: number
  readonly version: string
  readonly flush: () => Promise<void>
  readonly end: () => void
}

const names = ['redis-server', 'valkey-server']

/** Starts Redis or Valkey without persistence. Null if it is not installed. */
export async function startRedis(): Promise<RedisProcess | null> {
  const found = names.map((name) => ({ name, ...ask(name) })).find(({ status }) => status === 0)
  if (found === undefined) return null
  const port = 12_000 + Math.floor(Math.random() * 7000)
  const address = ['--port', String(port), '--bind', '127.0.0.1']
  const server = spawn(found.name, [...address, '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore',
  })
  const end = () => void server.kill('SIGKILL')
  process.once('exit', end)
  for (let tries = 0; tries < 250; tries++) {
    const answer = await send(port, 'PING').catch(() => '')
    if (answer.startsWith('+PONG')) {
      const version = /v=(\S+)/.exec(found.stdout)?.[1] ?? 'of unknown version'
      return {
        port,
        version: `${found.name} ${version}`,
        flush: async () => void (await send(port, 'FLUSHALL')),
        end,
      }
    }
    await sleep(20)
  }
  throw new Error(`${found.name} does not answer`)
}

/** Installs Redis with apt-get if running as root; otherwise does nothing. Only the bench needs it. */
export function installRedis(): void {
  if (names.some((name) => ask(name).status === 0)) return
  if (process.getuid?.() !== 0 || ask('apt-get').status !== 0) return
  withoutServices(() => {
    const steps = [['update'], ['install', '-y', '--no-install-recommends', 'redis-server']]
    for (const step of steps) {
      spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...step], {
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
        stdio: 'ignore',
      })
    }
  })
}

/** Prevents Debian from starting the service when it installs it. */
function withoutServices(install: () => void): void {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return install()
  writeFileSync(policy, '#!/bin/sh\n# During one installation by Coatcheck\nexit 101\n', {
    mode: 0o755,
  })
  try {
    install()
  } finally {
    rmSync(policy, { force: true })
  }
}

function ask(name: string): { readonly status: number | null; readonly stdout: string } {
  const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' })
  return { status, stdout: stdout ?? '' }
}

/** Sends one command on its own connection; resolves with the beginning of the reply. */
function send(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => socket.write(`${command}\r\n`))
    socket.once('data', (chunk: Buffer) => {
      resolve(chunk.toString('latin1'))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
