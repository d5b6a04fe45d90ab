/**
 * Explores how records move between two servers of memcached, in this process. Prints what it found as one
 * line of JSON.
 *
 *   node moving-main.ts --from 1 --count 20000
 *   ... --plant 'NAME'        with one of the faults of planted-move-faults.ts
 */
import { parseArgs } from 'node:util'
import { plantIn } from './plant-in-core.ts'
import { plantedMoveFaults } from './planted-move-faults.ts'
import type { MoveFault } from './planted-move-faults.ts'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '20000' },
    plant: { type: 'string' },
  },
})
if (values.plant !== undefined) plantIn('memcached', plantedMoveFaults[values.plant as MoveFault])
const { exploreMoves } = await import('./moving-records.ts')
console.log(JSON.stringify(await exploreMoves(Number(values.from), Number(values.count))))
