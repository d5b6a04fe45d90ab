/**
 * A process that writes to sessions concurrently with others. Argument: the server's address. Prints `ready`. Reads
 * cookies, one per line. For each, it increments a counter in that session repeatedly, prints `writing` after the first
 * time, and once the cookie leads to no session any more, prints how often each outcome occurred.
 */
import { createInterface } from 'node:readline'
import { createSessions, sum } from '@coatcheck/core'
import { openStore } from './open-store.ts'

const [address = ''] = process.argv.slice(2)
const store = openStore(address, { deadline: 5000 })
const sessions = createSessions<Record<string, unknown>>({
  store,
  secrets: ['a secret that only the moves use'],
  merge: { counter: sum },
})

await store.check()
process.stdout.write('ready\n')
for await (const cookie of createInterface(process.stdin)) {
  const outcomes: Record<string, number> = {}
  for (;;) {
    const { session, commit } = await sessions.open(cookie)
    if (session.state !== 'live') break
    session.data['counter'] = (session.data['counter'] as number) + 1
    const { outcome } = await commit()
    if (Object.keys(outcomes).length === 0) process.stdout.write('writing\n')
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  process.stdout.write(`${JSON.stringify(outcomes)}\n`)
}
store.close()
