import type { Session } from '@coatcheck/core'
import { isFailure } from '@coatcheck/core'
import { commit, discard, getSession } from '@coatcheck/remix'
import { setTimeout as sleep } from 'node:timers/promises'
import { refusalOf, show, unavailable } from './answers.server.ts'
import type { Edit } from './edits.server.ts'
import { readDelay } from './edits.server.ts'
import type { sessions } from './sessions.server.ts'

/** Reads the session, takes its time, changes it, and saves it before it answers. */
export async function change(context: unknown, url: URL, edit: Edit): Promise<Response> {
  const delay = readDelay(url)
  const session = await getSession<typeof sessions>(context)
  await sleep(delay)
  edit(session)
  return (await save(context, session)) ? show(session) : unavailable()
}

/**
 * False when the session could not be saved. That it was `gone` is no failure: whoever ended it was
 * first. Throws the answer when what is in it cannot be kept.
 */
export async function save(context: unknown, session: Session): Promise<boolean> {
  try {
    const { outcome } = await commit(context)
    // Who could not see the session cannot have changed it.
    if (session.state === 'unavailable') return outcome === 'destroyed'
    return !isFailure(outcome)
  } catch (error) {
    const answer = refusalOf(error)
    if (answer === null) throw error
    discard(context)
    throw answer
  }
}
