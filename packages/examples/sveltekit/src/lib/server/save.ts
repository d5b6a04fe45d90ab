import { SessionError } from '@coatcheck/core'
import { commit, getSession } from '@coatcheck/sveltekit'
import type { RequestEvent } from '@sveltejs/kit'
import { Refusal } from './refusal.ts'

/**
 * Saves before the answer is made. False when the store cannot be reached or is too busy. That a session is
 * `gone` is no failure: whoever ended it was first. Throws a refusal when it cannot be kept as it is.
 */
export async function save(event: RequestEvent): Promise<boolean> {
  const session = await getSession(event)
  try {
    const { outcome } = await commit(event)
    if (session.state === 'unavailable') return outcome === 'destroyed'
    return outcome !== 'conflict' && outcome !== 'unavailable' && outcome !== 'unconfirmed'
  } catch (error) {
    const status = error instanceof SessionError ? statuses[error.code] : undefined
    if (status === undefined) throw error
    session.discard()
    throw new Refusal((error as SessionError).message, status)
  }
}

/** What people put in, the core may refuse to keep. That is the sender's fault here. */
const statuses: Partial<Record<SessionError['code'], number>> = {
  'unsupported-value': 400,
  'too-large': 413,
  'merge-failed': 409,
}
