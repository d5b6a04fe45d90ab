import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { Point } from './transport-child.ts'
import { contestants, needsRedis } from './transport-clients.ts'
import { size, text } from './transport-contestant.ts'
import { report } from './transport-report.ts'
import type { Measured } from './transport-report.ts'

/**
 * Measures commands per second and CPU time per command of our store and of other clients, in one run: `node
 * src/transport.ts [rounds]`. Writes results/transport.md.
 */
const rounds = Number(process.argv[2] ?? 4)
const child = new URL('transport-child.ts', import.meta.url).pathname
const say = (line: string) => void process.stderr.write(`${line}\n`)

const memcached = await startMemcached({ trace: false, args: ['-m', '256'] })
const redis = await startRedis()
if (redis === undefined) say('No redis-server here: redis and ioredis are left out.')
await fill()

const measured = new Map<string, Point[][]>()
const names = contestants.filter((name) => redis !== undefined || !needsRedis(name))
for (let round = 1; round <= rounds; round++) {
  // Rotates the order each round, so that no client always follows the same one.
  const first = round % names.length
  for (const name of [...names.slice(first), ...names.slice(0, first)]) {
    say(`round ${round}: ${name}`)
    const ports = [memcached.port, redis?.port ?? 0].map(String)
    const out = execFileSync(process.execPath, [child, name, ...ports], { encoding: 'utf8' })
    measured.set(name, [...(measured.get(name) ?? []), JSON.parse(out) as Point[]])
  }
}

const machine = {
  memcached: spawnSync('memcached', ['--version'], { encoding: 'utf8' }).stdout.trim(),
  redis: redis?.version,
  rounds,
}
mkdirSync(new URL('../results/', import.meta.url), { recursive: true })
const file = new URL('../results/transport.md', import.meta.url)
writeFileSync(
  file,
  report(
    names.map((name) => best(name, measured.get(name)!)),
    machine,
  ),
)
say(`written: ${file.pathname}`)
await memcached.kill()
process.exit()

/** The best tenth of all bursts; the others rather reflect other work of the machine. */
function best(name: string, runs: readonly Point[][]): Measured {
  const at = (part: number, numbers: number[]) =>
    numbers.sort((a, b) => a - b)[Math.round(part * (numbers.length - 1))]!
  const figures = runs[0]!.map(({ operation, inFlight }, index) => {
    const bursts = runs.flatMap((run) => run[index]!.bursts)
    return {
      operation,
      inFlight,
      rate: at(
        0.9,
        bursts.map(({ rate }) => rate),
      ),
      cpu: at(
        0.1,
        bursts.map(({ cpu }) => cpu),
      ),
    }
  })
  return { name, figures }
}

/** Writes all keys that will be read. */
async function fill(): Promise<void> {
  const keys = Array.from({ length: 4096 }, (_, index) => String(index).padStart(43, 'k'))
  for (const key of keys) await memcached.rawSet(`coatcheck:${key}`, Buffer.from(text))
  if (redis === undefined) return
  const sets = keys.map((key) => `SET coatcheck:${key} ${'v'.repeat(size)}\r\n`)
  const socket = connect({ port: redis.port, host: '127.0.0.1' })
  let answers = 0
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      answers += chunk.toString('latin1').split('+OK').length - 1
      if (answers >= keys.length) resolve()
    })
  })
  socket.write(sets.join(''))
  await done
  socket.destroy()
}

async function startRedis() {
  const asked = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  if (asked.status !== 0) return undefined
  const port = 32_100 + Math.floor(Math.random() * 600)
  const address = ['--port', String(port), '--bind', '127.0.0.1']
  const options = [...address, '--save', '', '--appendonly', 'no']
  const server = spawn('redis-server', options, { stdio: 'ignore' })
  process.once('exit', () => server.kill('SIGKILL'))
  for (let tries = 0; tries < 200; tries++) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (isThere) {
      const version = /v=(\S+)/.exec(asked.stdout)?.[1]
      return { port, version }
    }
    await sleep(20)
  }
  throw new Error('redis-server does not answer')
}
