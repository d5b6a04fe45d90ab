/**
 * Explores schedules of bound sessions, in this process. Prints what it found as one line of JSON.
 *
 *   node device-main.ts --from 1 --count 50000
 *   ... --plant 'NAME'                          with one of the faults of planted-device-faults.ts
 */
import { parseArgs } from 'node:util'
import { answerAtOnce } from './answer-at-once.ts'
import { plantInCore } from './plant-in-core.ts'
import { plantedDeviceFaults } from './planted-device-faults.ts'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '50000' },
    plant: { type: 'string' },
  },
})

const planted = plantedDeviceFaults.find(({ name }) => name === values.plant)
if (values.plant !== undefined && planted === undefined)
  throw new Error(`no planted fault has the name ${values.plant}`)
if (planted !== undefined) plantInCore(planted.edits)
answerAtOnce()
const { runDeviceWorld } = await import('./device-world.ts')

const from = Number(values.from)
const counts: Record<string, number> = {}
let broken: { seed: number; law: string } | null = null
let schedules = 0
while (schedules < Number(values.count) && broken === null) {
  const seed = from + schedules++
  try {
    for (const each of await runDeviceWorld(seed)) counts[each] = (counts[each] ?? 0) + 1
  } catch (error) {
    broken = { seed, law: (error as Error).message }
  }
}
console.log(JSON.stringify({ schedules, broken, counts }))
