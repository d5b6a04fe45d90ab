/**
 * Explores how records move between two servers of memcached, in this process. Prints what it found as one
 * line of JSON.
 *
 *   node two-servers-main.ts --from 1 --count 20000
 *   ... --plant 'NAME'        with one of the faults of planted-two-servers-faults.ts
 */
import { parseArgs } from 'node:util'
import { plantIn } from './plant-in-core.ts'
import { plantedTwoServersFaults } from './planted-two-servers-faults.ts'
import type { TwoServersFault } from './planted-two-servers-faults.ts'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '20000' },
    plant: { type: 'string' },
  },
})
if (values.plant !== undefined) {
  const edits = plantedTwoServersFaults[values.plant as TwoServersFault]
  plantIn('memcached', edits)
  plantIn('proof', edits)
}
const { exploreMoves } = await import('./two-servers.ts')
console.log(JSON.stringify(await exploreMoves(Number(values.from), Number(values.count))))
