/** A secret is replaced as the documentation says: it ends no session, and leaves no visitor who cannot begin one. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { memoryStore } from '../store/memory-store.ts'
import { createSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'

type Data = Record<string, unknown>
type How = 'read' | 'poll' | 'change' | 'sign in'

const [before, after] = ['old', 'new'].map((word) => `the ${word} secret, `.repeat(3).trim()) as [
  string,
  string,
]
const second = 1000

interface Site {
  readonly clock: { now: number }
  readonly deploy: (secrets: readonly string[]) => Sessions<Data>
}

function site(lifetime: { readonly idle: number; readonly absolute: number }): Site {
  const clock = { now: 1.7e12 }
  const now = (): number => clock.now
  const { load, create, save, delete: remove } = memoryStore({ now })
  // Not the store itself: it would not be sealed.
  const store = { load, create, save, delete: remove }
  const testing = { now }
  const more = { store, lifetime, testing, namespace: 'replaced', onEvent() {} }
  return { clock, deploy: (secrets) => createSessions<Data>({ ...more, secrets }) }
}

async function visit(
  sessions: Sessions<Data>,
  cookie: string,
  how: How,
): Promise<{ readonly state: string; readonly outcome: string; readonly cookie: string }> {
  const { session, commit } = await sessions.open(cookie, { touch: how !== 'poll' })
  if (how === 'sign in') session.signIn('zoë')
  if (how === 'change') session.data['n'] = Number(session.data['n'] ?? 0) + 1
  const { outcome, cookie: told } = await commit()
  return {
    state: session.state,
    outcome,
    cookie: told === null ? cookie : told.header.split(';')[0]!,
  }
}

it('S41: a session that is polled to its end and beyond does not outlive its secret', async () => {
  const { clock, deploy } = site({ idle: 100, absolute: 200 })
  const { cookie } = await visit(deploy([before]), '', 'change')
  for (let minutes = 0; minutes < 10; minutes++) {
    clock.now += 60 * second
    await visit(deploy([after, before]), cookie, 'read')
  }
  expect(await visit(deploy([after]), cookie, 'change')).toMatchObject({ outcome: 'created' })
})

it('S41: by the third step every session from before is over, and each visitor can begin another', async () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 120 * second }),
    how: fc.constantFrom<How[]>('read', 'poll', 'change', 'sign in'),
  })
  const steps = fc.array(step, { maxLength: 10 })
  const polls = fc.array(
    fc.record({ wait: fc.integer({ min: 0, max: 99 * second }), how: fc.constant<How>('read') }),
    { minLength: 2, maxLength: 9 },
  )
  const lifetime = fc.constantFrom({ idle: 100, absolute: 200 }, { idle: 200, absolute: 200 })
  await fc.assert(
    fc.asyncProperty(
      lifetime,
      steps,
      fc.oneof(steps, polls),
      steps,
      async (lifetime, first, next, last) => {
        const { clock, deploy } = site(lifetime)
        let cookie = ''
        let [began, used] = [-Infinity, -Infinity]
        const isAlive = (): boolean =>
          clock.now < began + lifetime.absolute * second &&
          clock.now < used + lifetime.idle * second
        const go = async (secrets: readonly string[], how: How): Promise<void> => {
          const expected = isAlive() ? 'live' : 'new'
          const { state, outcome, cookie: told } = await visit(deploy(secrets), cookie, how)
          expect(state).toBe(expected)
          expect(outcome).not.toBe('unavailable')
          cookie = told
          if (outcome === 'created' || outcome === 'renewed') began = clock.now
          if (how !== 'poll' && isAlive()) used = clock.now
          if (outcome === 'created') used = clock.now
        }
        for (const { wait, how } of first) {
          clock.now += wait
          await go([before, after], how)
        }
        const third = clock.now + (lifetime.idle + lifetime.absolute) * second
        for (const { wait, how } of next) {
          clock.now = Math.min(clock.now + wait, third)
          await go([after, before], how)
        }
        clock.now = third
        for (const { wait, how } of last) {
          clock.now += wait
          await go([after], how)
        }
      },
    ),
  )
})
