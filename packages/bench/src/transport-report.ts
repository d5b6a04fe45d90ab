import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import type { Operation } from './transport-contestant.ts'

export interface Figure {
  readonly operation: Operation
  readonly inFlight: number
  /** Commands per second. */
  readonly rate: number
  /** Microseconds of the client process's CPU time per command. */
  readonly cpu: number
}

export interface Measured {
  readonly name: string
  readonly figures: readonly Figure[]
}

interface Machine {
  readonly memcached: string
  readonly redis: string | undefined
  readonly rounds: number
}

const loads = [1, 16, 128, 1024]
const titles: Record<Operation, string> = {
  read: 'Get-and-touch of 1 KB (get, where the client has no get-and-touch)',
  write: 'Replace with compare-and-swap of 1 KB (set, at all others)',
}
const ours = 'Coatcheck, '
const isClient = (name: string) => !name.startsWith(ours) && !name.startsWith('raw')

/** The page of figures. Absolute figures depend on the machine and day; ratios are stable. */
export function report(all: readonly Measured[], machine: Machine): string {
  const operations: readonly Operation[] = ['read', 'write']
  return [
    '# The transport, side by side',
    '',
    'Written by `node src/transport.ts`; every figure of one run on one machine.',
    '',
    ...machineOf(machine),
    '',
    ...operations.flatMap((operation) => [
      `## ${titles[operation]}`,
      '',
      ...table(all, operation),
      '',
    ]),
    '## The aims',
    '',
    ...aims(all),
    '',
    ...notes(machine),
    '',
  ].join('\n')
}

function machineOf({ memcached, redis, rounds }: Machine): string[] {
  const [cpu] = cpus()
  const cores = `${cpus().length} × ${cpu?.model.trim()}`
  const memory = `${Math.round(totalmem() / 2 ** 30)} GB`
  return [
    `${cores}, ${memory}, Linux, loopback, Node ${process.version}, ${memcached}` +
      (redis === undefined ? ' (no redis-server here)' : `, redis ${redis}`) +
      '. Client and server share the cores, and the machine had other work to do: so bursts of 512 to ' +
      `4096 commands, for 0.5 s in each of ${rounds} rounds, and of these the 90th percentile of the rates, the ` +
      '10th of the CPU. Each client in a process of its own, each round in another order.',
    '',
    'A cell: thousands of commands a second, [µs of the client’s CPU for one command], × how many times ' +
      'the rate of memjs.',
  ]
}

function table(all: readonly Measured[], operation: Operation): string[] {
  const row = ({ name, figures }: Measured) => {
    const cells = loads.map((inFlight) => {
      const { rate, cpu } = pick(figures, operation, inFlight)
      const ratio = rate / figure(all, 'memjs', operation, inFlight).rate
      return `${(rate / 1000).toFixed(1)} [${cpu.toFixed(1)}] × ${ratio.toFixed(2)}`
    })
    return `| ${name} ${versionOf(name)}| ${cells.join(' | ')} |`
  }
  return [
    `| in flight | ${loads.join(' | ')} |`,
    `|---|${loads.map(() => '---|').join('')}`,
    ...all.map(row),
  ]
}

/** Each goal of the issue, with its figures. */
function aims(all: readonly Measured[]): string[] {
  const lines = [
    '| | ' + loads.map((load) => `${load}`).join(' | ') + ' |',
    '|---|---|---|---|---|',
  ]
  const own = all.filter(({ name }) => name.startsWith(ours))
  for (const operation of ['read', 'write'] as const) {
    for (const { name, figures } of own) {
      const rates = loads.map((load) => pick(figures, operation, load).rate)
      const against = (
        label: string,
        other: (load: number) => number,
        aim: Record<number, number>,
      ) => {
        const cells = loads.map((load, index) => {
          const ratio = rates[index]! / other(load)
          const mark = aim[load] === undefined ? '' : ratio >= aim[load] ? ' met' : ' **not met**'
          return `${ratio.toFixed(2)}${mark}`
        })
        lines.push(`| ${operation}, ${name.slice(ours.length)}: ${label} | ${cells.join(' | ')} |`)
      }
      const rateOf = (other: string) => (load: number) => figure(all, other, operation, load).rate
      const best = (load: number) =>
        Math.max(
          ...all
            .filter((other) => isClient(other.name))
            .map(({ figures }) => pick(figures, operation, load).rate),
        )
      against('× memjs (aim: 2 at 128 and 1024)', rateOf('memjs'), { 128: 2, 1024: 2 })
      against('× the best client (aim: 1)', best, { 1: 1, 16: 1, 128: 1, 1024: 1 })
      against('× raw with promises (aim: 0.6 at 128)', rateOf('raw socket, promises'), { 128: 0.6 })
      against('× raw without', rateOf('raw socket'), {})
    }
  }
  return lines
}

function notes({ redis }: Machine): string[] {
  return [
    '## What is compared',
    '',
    '- Coatcheck is the whole store (`memcachedStore`): keys and sizes checked, breaker, deadlines, and every ' +
      'write a compare-and-swap. The others’ writes are plain `set`.',
    '- Read: `load` with an expiry is get-and-touch; `redis` and `ioredis` (auto-pipelining) use GETEX; ' +
      'memjs, `memcached`, `memcache` and `memcache-client` have no get-and-touch, so it is `get`, ' +
      'which is less than what is measured of us.',
    '- `memcached` has a pool of 10 connections, its default; all others have one.',
    '- `raw socket, promises`: a promise and a copy of the value for each command, one write in a turn of the ' +
      'event loop, as any client must have; it checks nothing. `raw socket`: nothing of that, answers ' +
      'are counted; no client can be so.',
    '- One in flight is a ping-pong between two processes, on which the scheduler has more influence ' +
      'than the client: there the CPU for a command says more than the rate.',
    '- What the raw probe with promises leaves out, and we do for each command: a second promise (for the ' +
      'second try and the breaker), the checks of key, size, ttl, opcode, number and lengths, a deadline, and ' +
      'the cas. Over meta a replace is two commands (decision 010).',
    ...(redis === undefined
      ? ['- redis-server was not on this machine: redis and ioredis are left out.']
      : []),
  ]
}

function figure(
  all: readonly Measured[],
  name: string,
  operation: Operation,
  load: number,
): Figure {
  return pick(all.find((measured) => measured.name === name)!.figures, operation, load)
}

function pick(figures: readonly Figure[], operation: Operation, inFlight: number): Figure {
  return figures.find((one) => one.operation === operation && one.inFlight === inFlight)!
}

function versionOf(name: string): string {
  if (!isClient(name)) return ''
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return `${(JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version} `
}
