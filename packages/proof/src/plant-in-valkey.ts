/** Import this first: it plants the fault of the environment variable `PLANTED` in the Valkey store. */
import { plantIn } from './plant-in-core.ts'
import { plantedValkeyFaults } from './planted-valkey-faults.ts'
import type { ValkeyFault } from './planted-valkey-faults.ts'

plantIn('valkey', plantedValkeyFaults[process.env['PLANTED'] as ValkeyFault])
