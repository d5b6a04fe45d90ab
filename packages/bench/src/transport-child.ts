import { start } from './transport-clients.ts'
import type { Contestant, Operation } from './transport-contestant.ts'

/** One burst of commands of one contestant. */
export interface Burst {
  /** Commands in a second. */
  readonly rate: number
  /** Microseconds of processor time for one command, of this process. */
  readonly cpu: number
}

/** What a contestant showed at one operation, with so many commands in flight. */
export interface Point {
  readonly operation: Operation
  readonly inFlight: number
  readonly bursts: readonly Burst[]
}

/** Measures one contestant, in a process of its own; prints its points as JSON. */
const operations: readonly Operation[] = ['read', 'write']
const loads = [1, 16, 128, 1024]

/** Short, so that some of them have the machine for themselves; each key is used once in one. */
const commandsOf = (inFlight: number): number => (inFlight === 1 ? 512 : 4096)

async function measure(
  contestant: Contestant,
  operation: Operation,
  inFlight: number,
  milliseconds: number,
): Promise<Point> {
  const bursts: Burst[] = []
  const commands = commandsOf(inFlight)
  for (let elapsed = 0; elapsed < milliseconds;) {
    await contestant.prepare(operation, commands)
    const before = process.cpuUsage()
    const begun = performance.now()
    await contestant.run(operation, commands, inFlight)
    const took = performance.now() - begun
    const { user, system } = process.cpuUsage(before)
    bursts.push({ rate: (commands / took) * 1000, cpu: (user + system) / commands })
    elapsed += took
  }
  return { operation, inFlight, bursts }
}

const [name = '', memcached, redis] = process.argv.slice(2)
const contestant = await start(name, { memcached: Number(memcached), redis: Number(redis) })
const points: Point[] = []
for (const operation of operations) {
  for (const inFlight of loads) {
    await measure(contestant, operation, inFlight, 200)
    points.push(await measure(contestant, operation, inFlight, 500))
  }
}
process.stdout.write(JSON.stringify(points))
contestant.close()
process.exit()
