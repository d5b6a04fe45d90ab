/**
 * Fuzzes the core in this process. Prints what it found as JSON.
 *
 *   node fuzz-main.ts --what cookies --count 300000 --seed 1
 *   node fuzz-main.ts --what bytes --count 100000
 *   ... --plant 'NAME'      with one of the faults of planted-fuzz-faults.ts
 */
import { parseArgs } from 'node:util'
import { plantedFuzzFaults } from './planted-fuzz-faults.ts'
import { plantInCore } from './plant-in-core.ts'

const { values } = parseArgs({
  options: {
    what: { type: 'string', default: 'cookies' },
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    plant: { type: 'string' },
  },
})

const planted = plantedFuzzFaults.find(({ name }) => name === values.plant)
if (values.plant !== undefined && planted === undefined)
  throw new Error(`no planted fault has the name ${values.plant}`)
if (planted !== undefined) plantInCore(planted.edits)
const seed = Number(values.seed)
const count = Number(values.count)
const found =
  values.what === 'cookies'
    ? await (await import('./fuzz-cookies.ts')).fuzzCookies(seed, count)
    : await (await import('./fuzz-bytes.ts')).fuzzBytes(seed, count)
console.log(JSON.stringify(found))
