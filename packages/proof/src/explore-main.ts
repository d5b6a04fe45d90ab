/**
 * Explores schedules, in this process. Prints what it found as one line of JSON.
 *
 *   node explore-main.ts --from 1 --count 50000
 *   node explore-main.ts --replay SEED          what happens under this seed, step by step
 *   ... --plant 'NAME'                          with one of the faults of planted-faults.ts
 */
import { parseArgs } from 'node:util'
import { plantInCore } from './plant-in-core.ts'
import { plantedFaults } from './planted-faults.ts'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '50000' },
    most: { type: 'string', default: '1' },
    plant: { type: 'string' },
    replay: { type: 'string' },
  },
})

const tooManyCommands = /commands.*are enough/

const planted = plantedFaults.find(({ name }) => name === values.plant)
if (values.plant !== undefined && planted === undefined)
  throw new Error(`no planted fault has the name ${values.plant}`)
if (planted !== undefined) plantInCore(planted.edits)
const { explore, replay } = await import('./explore.ts')

if (values.replay === undefined) {
  const found = await explore({
    from: Number(values.from),
    count: Number(values.count),
    most: Number(values.most),
    ...(planted === undefined ? {} : { semantics: planted.semantics }),
    ...(planted === undefined || planted.isCost ? {} : { except: tooManyCommands }),
  })
  console.log(JSON.stringify(found))
} else console.log(await replay(Number(values.replay), planted?.semantics))
