import { start } from './transport-clients.ts'
import type { Contestant, Operation } from './transport-contestant.ts'

/** One burst of commands of one contestant. */
export interface Burst {
  /** Commands per second. */
  readonly rate: number
  /** Microseconds of this process's CPU time per command. */
  readonly cpu: number
}

/** The results of a contestant for one operation, with this many commands in flight. */
export interface Point {
  readonly operation: Operation
  readonly inFlight: number
  readonly bursts: readonly Burst[]
}

/** Measures one contestant in its own process; prints its points as JSON. */
const operations: readonly Operation[] = ['read', 'write']
const loads = [1, 16, 128, 1024]

/** Short, so that some bursts run undisturbed by other processes; each key is used once per burst. */
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
