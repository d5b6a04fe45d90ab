import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { expect, it } from 'vitest'
import { createNextSessions } from './next-sessions.ts'

const sessions = createNextSessions(() => createSessions({ store: memoryStore() }), {
  name: 'unawaited',
})

it('getSession() without await throws in a guard, and lets no visitor in', async () => {
  const session = sessions.getSession() as unknown as { subject: string | null }
  expect(() => session.subject === null).toThrow('(await …).subject')
  expect(() => {
    const { state } = session as unknown as { state: string }
    return state
  }).toThrow('(await …).state')
  // There is no request here.
  await expect(session).rejects.toThrow()
})

it('commit() without await throws for its failure', async () => {
  const saved = sessions.commit() as unknown as { failure: object | null }
  expect(() => saved.failure).toThrow('(await …).failure')
  await expect(saved).rejects.toThrow('call it inside handle')
})
