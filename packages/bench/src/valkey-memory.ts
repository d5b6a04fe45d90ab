/**
 * Measures the memory of a session in Valkey or Redis, with the given number of sealed records that have an expiry like
 * sessions.
 *
 *   node packages/bench/src/valkey-memory.ts [--sessions 100000]
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { startValkey } from '@coatcheck/harness/valkey'
import { valkeyStore } from '@coatcheck/valkey'
import { recordOf } from './growth/application.ts'

const { values } = parseArgs({ options: { sessions: { type: 'string', default: '100000' } } })
const sessions = Number(values.sessions)
const valkey = await startValkey()
const store = valkeyStore({ url: valkey.address, deadline: 60_000 })

console.log(`${sessions} sessions`)
console.log('| data as JSON | sealed record | memory of a session | beyond the record |')
console.log('|---|---|---|---|')
for (const size of [200, 1024, 4096]) {
  const record = await recordOf(store, size)
  await valkey.ask('flushall')
  const before = Number(await valkey.info('used_memory'))
  const end = Date.now() + 86_400_000
  for (let made = 0; made < sessions; made += 100) {
    const ids = Array.from({ length: 100 }, () => randomBytes(32).toString('base64url'))
    await Promise.all(ids.map((id) => store.create(id, record, end)))
  }
  const each = (Number(await valkey.info('used_memory')) - before) / sessions
  const beyond = each - record.length
  console.log(`| ${size} B | ${record.length} B | ${each.toFixed(0)} B | ${beyond.toFixed(0)} B |`)
}
console.log(`${await valkey.info('redis_version')}, ${await valkey.info('mem_allocator')}`)
store.close()
await valkey.end()
