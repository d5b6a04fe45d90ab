import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { Ports } from './child.ts'
import { listContenders } from './contenders/list.ts'
import type { Listed } from './contenders/list.ts'
import { chosen, readFlags, usage } from './flags.ts'
import type { Flags, Part } from './flags.ts'
import { measureAll } from './measure/rounds.ts'
import { measureGrowth } from './growth/growth.ts'
import { breakStores } from './prove/outages.ts'
import { race } from './prove/races.ts'
import { countTraffic } from './prove/traffic.ts'
import { currentCommit, currentLoad, thisMachine, versionsOf } from './report/machine.ts'
import { writeMarkdown } from './report/markdown.ts'
import { makePlots } from './report/plots.ts'
import { printFigures, printGoals } from './report/print.ts'
import type { Results, Run } from './report/results.ts'
import { openLink } from './servers/link.ts'
import { nodeBinary } from './servers/node-binary.ts'
import { installRedis, startRedis } from './servers/redis.ts'
import type { RedisProcess } from './servers/redis.ts'
import { fullPoints, goalPoints, keyOf, quickPoints } from './work.ts'
import type { Point } from './work.ts'

const say = (line: string) => void process.stderr.write(`${line}\n`)

// Exits through `process.exit`, so that the servers end as well.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const args = process.argv.slice(2)
const flags = readFlags(args)
if (flags === null) process.stdout.write(usage)
else await run(flags)

async function run(flags: Flags): Promise<void> {
  const load = currentLoad()
  const wanted = await chooseContenders(flags)
  const memcached = await startMemcached({ trace: false, args: ['-m', '2048'] })
  const redis = wanted.some(({ store }) => store === 'redis') ? await findRedis() : null
  const ports: Ports = { memcached: memcached.port, redis: redis?.port ?? 0 }
  const flush = async () => {
    await memcached.flush()
    await redis?.flush()
  }

  const contenders = wanted.filter(({ store }) => store !== 'redis' || redis !== null)
  const points = choosePoints(flags)
  const links = await openLinks(points, ports)
  const setting = { contenders, points, flags, ports, portsFor: links.portsFor, flush }
  const runs: Run[] = []
  // Saved after each part: a run takes long, and its results must not be lost.
  const keep = (index: number, run: Run) => {
    runs[index] = run
    const results: Results = {
      date: new Date().toISOString(),
      commit,
      command: ['node packages/bench/src/bench.ts', ...args].join(' '),
      machine: thisMachine(load),
      servers: serverVersions(redis?.version),
      packages: versionsOf(contenders.flatMap(({ packages }) => packages)),
      rounds: flags.rounds,
      processes: flags.processes,
      sample: flags.sample,
      contenders,
      runs,
    }
    write(results, flags)
  }
  const commit = currentCommit()
  const binaries = flags.node.length === 0 ? [process.execPath] : flags.node.map(nodeBinary)
  for (const [index, node] of binaries.entries()) {
    await runOn(node, setting, (run) => keep(index, run))
  }
  for (const one of runs) {
    process.stdout.write(printFigures(one.figures, contenders) + printGoals(one, contenders))
  }
  links.close()
  redis?.end()
  await memcached.kill()
}

async function findRedis(): Promise<RedisProcess | null> {
  installRedis()
  const redis = await startRedis()
  if (redis === null) say('redis-server is not on this machine: its contenders are left out')
  return redis
}

async function chooseContenders(flags: Flags): Promise<readonly Listed[]> {
  const all = await listContenders()
  const wanted = all.filter(({ name }) => chosen(name, flags.only))
  const floors = all.filter(({ name }) => wanted.some(({ floor }) => floor === name))
  return [...new Set([...floors, ...wanted])]
}

function choosePoints({ quick, goals, work }: Flags): readonly Point[] {
  const all = fullPoints()
  if (work.length > 0) return all.filter((point) => chosen(keyOf(point), work))
  if (goals) return goalPoints()
  return quick ? quickPoints() : all
}

interface Setting {
  readonly contenders: readonly Listed[]
  readonly points: readonly Point[]
  readonly flags: Flags
  readonly ports: Ports
  readonly portsFor: (away: number) => Ports
  readonly flush: () => Promise<void>
}

/** Measures with one version of Node. `keep` gets the results so far after each part. */
async function runOn(node: string, setting: Setting, keep: (run: Run) => void): Promise<void> {
  const { contenders, points, flags, ports, flush } = setting
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  const parts: Record<Part, () => Promise<Partial<Run>>> = {
    time: async () => ({
      figures: await measureAll(contenders, points, flags, { ...setting, node, say }),
    }),
    traffic: () => countTraffic(contenders, ports, node, flush),
    races: async () => ({ races: await race(contenders, ports, node, raceRounds(flags)) }),
    outages: async () => ({ outages: await breakStores(contenders, ports, node) }),
    growth: async () => {
      const timing = { sample: flags.sample, rounds: flags.rounds }
      return { growth: await measureGrowth(node, timing, flags.quick, say) }
    },
  }
  let run: Run = {
    node: version,
    figures: [],
    traffic: [],
    connections: [],
    races: [],
    outages: [],
    growth: [],
  }
  for (const part of flags.parts) {
    say(`${part}, Node ${version}`)
    run = { ...run, ...(await parts[part]()) }
    keep(run)
  }
}

function raceRounds({ quick, goals }: Flags): number {
  if (quick) return 2
  return goals ? 4 : 20
}

/** Opens links to the stores for every distance that a point needs. */
async function openLinks(points: readonly Point[], ports: Ports) {
  const far = new Map<number, Ports>()
  const closers: (() => void)[] = []
  for (const away of new Set(points.map((point) => point.away))) {
    if (away === 0) continue
    const memcached = await openLink(ports.memcached, away)
    const redis = await openLink(ports.redis, away)
    closers.push(memcached.close, redis.close)
    far.set(away, { memcached: memcached.port, redis: redis.port })
  }
  return {
    portsFor: (away: number): Ports => far.get(away) ?? ports,
    close() {
      for (const close of closers) close()
    },
  }
}

function serverVersions(redis: string | undefined): Record<string, string> {
  const { stdout } = spawnSync('memcached', ['--version'], { encoding: 'utf8' })
  const [name = 'redis', version = ''] = redis?.split(' ') ?? []
  return {
    memcached: stdout.trim().replace(/^memcached /, ''),
    ...(redis !== undefined && { [name]: version }),
  }
}

/** Results of a partial run are stored separately, so that they do not replace those shown in the README. */
function write(results: Results, { out, isWhole }: Flags): void {
  const home = new URL(isWhole ? '../results' : '../.cache/results', import.meta.url)
  const folder = out ?? fileURLToPath(home)
  mkdirSync(folder, { recursive: true })
  const plots = makePlots(results)
  for (const { file, svg } of plots) writeFileSync(`${folder}/${file}`, svg)
  const files = plots.map(({ file }) => file)
  writeFileSync(`${folder}/requests.md`, writeMarkdown(results, files))
  writeFileSync(`${folder}/requests.json`, `${JSON.stringify(results, null, 1)}\n`)
  say(`  written: ${folder}/requests.md, .json and ${plots.length} plots`)
}
