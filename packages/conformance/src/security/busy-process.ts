/**
 * A process whose visitors come and go without a pause, whatever becomes of memcached. Arguments: memcached, and
 * `stumble` for one that forgets a rejection. Says on stdout when memcached is `away` and when it is `back`; ends
 * when stdin does, and says how many visits there were.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createSessions } from '@coatcheck/core'
import type { Session } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { createVisitor, increment } from '../visitor.ts'

type Act = (session: Session<Record<string, unknown>>) => void

const [, , address = '', how = ''] = process.argv
const store = memcachedStore({ servers: address, deadline: 200 })
const sessions = createSessions<Record<string, unknown>>({
  store,
  secrets: 'none',
  lifetime: { rotate: 60 },
})
const acts: readonly Act[] = [
  () => {},
  increment,
  increment,
  (session) => session.renew(),
  (session) => void (session.subject = 'ann'),
  (session) => session.destroy(),
]
let isOver = false
let visits = 0

/** Asks for a session that nobody has. */
async function watch(): Promise<void> {
  let isAway = false
  while (!isOver) {
    const { state } = (await sessions.open(`__Host-Http-sid=${'A'.repeat(43)}`)).session
    if (isAway !== (state === 'unavailable')) process.stdout.write(isAway ? 'back\n' : 'away\n')
    isAway = state === 'unavailable'
    await sleep(5)
  }
}

async function visitAll(): Promise<void> {
  const visitor = createVisitor(sessions)
  while (!isOver) {
    for (const act of acts) {
      const { cookie } = visitor
      // Two at once, so that commits take turns and follow one another's tokens.
      const twin = createVisitor(sessions, cookie).visit(increment)
      await visitor.visit(act)
      await twin
      await sessions.revoke('ann')
      await sessions.list('ann').catch(() => [])
      visits += 2
      await sleep(1)
    }
  }
}

process.stdin.on('end', () => void (isOver = true)).resume()
process.stdout.write('ready\n')
if (how === 'stumble') void Promise.reject(new Error('nobody listens'))
await Promise.all([watch(), ...Array.from({ length: 4 }, visitAll)])
process.stdout.write(`visits ${visits}\n`)
store.close()
