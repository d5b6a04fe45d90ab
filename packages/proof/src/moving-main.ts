/**
 * Runs schedules of processes that move sessions from one store to another, until one gives answers that a single store
 * would not have given. Prints as JSON the number of schedules run, and that schedule.
 *
 *   node moving-main.ts --count 20000 [--seed 1]
 *   ... --plant 'NAME'      with one of the faults of planted-moving-faults.ts
 */
import { parseArgs } from 'node:util'
import { plantIn } from './plant-in-core.ts'
import { plantedMovingFaults } from './planted-moving-faults.ts'
import type { MovingFault } from './planted-moving-faults.ts'

export interface MovingExplored {
  readonly run: number
  readonly found: readonly string[]
}

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    plant: { type: 'string' },
  },
})

if (values.plant !== undefined) plantIn('valkey', plantedMovingFaults[values.plant as MovingFault])
const { runMovingSchedule } = await import('./moving-schedule.ts')
const from = Number(values.seed)
const found: string[] = []
let run = 0
for (; run < Number(values.count) && found.length === 0; run++) {
  const said = await runMovingSchedule(from + run)
  if (said !== null) found.push(`schedule ${from + run}: ${said}`)
}
console.log(JSON.stringify({ run, found } satisfies MovingExplored))
