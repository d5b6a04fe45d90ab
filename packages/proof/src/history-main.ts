/**
 * Runs operations against a real server, and checks their history. Prints the result as JSON.
 *
 *   node history-main.ts --ops 50000 [--engine valkey] [--chaos] [--seed 1] [--fault 'blind set']
 */
import { parseArgs } from 'node:util'
import type { EngineName } from './history-engine.ts'
import { runHistory } from './history-run.ts'
import type { StoreFault } from './faulty-store.ts'

const { values } = parseArgs({
  options: {
    ops: { type: 'string', default: '50000' },
    engine: { type: 'string', default: 'memcached' },
    seed: { type: 'string', default: '1' },
    chaos: { type: 'boolean', default: false },
    fault: { type: 'string' },
  },
})

const result = await runHistory({
  ops: Number(values.ops),
  engine: values.engine as EngineName,
  seed: Number(values.seed),
  chaos: values.chaos,
  ...(values.fault === undefined ? {} : { fault: values.fault as StoreFault }),
})
console.log(JSON.stringify({ ...result, anomalies: result.anomalies.slice(0, 20) }))
