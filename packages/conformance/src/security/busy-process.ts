/**
 * A process with continuous visits, also while the server is down. Arguments: the server's address, and `unhandled` for
 * a process with an unhandled rejection. Prints `away` and `back` when the server goes down and comes back; ends when
 * stdin ends, and prints the number of visits.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createSessions } from '@coatcheck/core'
import type { Session } from '@coatcheck/core'
import { openStore } from '../open-store.ts'
import { createVisitor, increment } from '../visitor.ts'

type Act = (session: Session<Record<string, unknown>>) => void

const [, , address = '', mode = ''] = process.argv
const store = openStore(address, { deadline: 200 })
const sessions = createSessions<Record<string, unknown>>({
  store,
  secrets: 'none',
  lifetime: { rotate: 60 },
  // So that stderr contains only unhandled errors.
  onEvent: () => {},
})
const acts: readonly Act[] = [
  () => {},
  increment,
  increment,
  (session) => session.renew(),
  (session) => session.signIn('ann'),
  (session) => session.destroy(),
]
let isOver = false
let visits = 0

/** Repeatedly loads a session that does not exist. */
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
      // Two at once, so that commits queue and follow each other's tokens.
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
if (mode === 'unhandled') void Promise.reject(new Error('an unhandled rejection'))
await Promise.all([watch(), ...Array.from({ length: 4 }, visitAll)])
process.stdout.write(`visits ${visits}\n`)
store.close()
