import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { standardSize } from '../work.ts'
import type { GrowthTiming } from './child.ts'
import type { GrowthFigure, GrowthTask } from './task.ts'

const script = fileURLToPath(new URL('child.ts', import.meta.url))

const sizes = [100, 1024, 4096, 16_384, 65_536, 262_144, 900_000]
const counts = [1, 100, 10_000, 100_000, 1_000_000]
const servers = [1, 2, 4, 10]
const capacities = [standardSize, 1024, 4096]

/** Measures how cost grows with the size of a session, the number of sessions and the number of servers. */
export async function measureGrowth(
  node: string,
  timing: GrowthTiming,
  isQuick: boolean,
  say: (line: string) => void,
): Promise<readonly GrowthFigure[]> {
  const figures: GrowthFigure[] = []
  const run = async (task: GrowthTask) => {
    say(`  ${task.kind} ${'count' in task ? task.count : `${task.size} B`}`)
    figures.push(await inChild(node, task, timing))
  }
  const most = isQuick ? 10_000 : Infinity
  const all = await startAll(Math.max(...servers), '512')
  for (const size of sizes) await run({ kind: 'size', size, ports: portsOf(all.slice(0, 1)) })
  for (const count of servers) {
    await run({ kind: 'servers', size: standardSize, ports: portsOf(all.slice(0, count)) })
  }
  await endAll(all)
  for (const count of counts) if (count <= most) await run({ kind: 'sessions', count })
  const megabytes = isQuick ? 64 : 256
  for (const size of capacities) await run({ kind: 'capacity', size, megabytes })
  return figures
}

function startAll(count: number, megabytes: string): Promise<readonly MemcachedProcess[]> {
  const options = { trace: false, threads: 1, args: ['-m', megabytes] }
  return Promise.all(Array.from({ length: count }, () => startMemcached(options)))
}

const portsOf = (all: readonly MemcachedProcess[]) => all.map(({ port }) => port)

const endAll = (all: readonly MemcachedProcess[]) => Promise.all(all.map((one) => one.kill()))

function inChild(node: string, task: GrowthTask, timing: GrowthTiming): Promise<GrowthFigure> {
  const child = fork(script, [JSON.stringify([task, timing])], {
    execPath: node,
    execArgv: ['--expose-gc', '--no-warnings', '--max-old-space-size=6000'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    child.once('message', resolve as (figure: unknown) => void)
    child.once('exit', (code) => reject(new Error(`${task.kind}: its process ended (${code})`)))
  })
}
