import { SessionError } from '@coatcheck/core'
import { commit, discard, getSession } from '@coatcheck/sveltekit'
import type { RequestEvent } from '@sveltejs/kit'
import { Refusal } from './refusal.ts'

/** `gone`: the session ended meanwhile, or another request signed in. */
export type Saved = 'done' | 'gone' | 'failed'

/** Saves before the response is made. Throws a refusal if a value cannot be stored. */
export async function save(event: RequestEvent): Promise<Saved> {
  const { state } = await getSession(event)
  try {
    const { outcome, failure } = await commit(event)
    // Its data is empty, so an edit may have changed nothing, which is no failure but not saved either.
    if (state === 'unavailable') return outcome === 'destroyed' ? 'done' : 'failed'
    if (failure === null) return 'done'
    return outcome === 'gone' || outcome === 'moved' ? 'gone' : 'failed'
  } catch (error) {
    // The API accepts any value, so the core may refuse to store one: the sender's mistake.
    if (!(error instanceof SessionError) || error.status >= 500) throw error
    discard(event)
    throw new Refusal(error.message, error.status)
  }
}
