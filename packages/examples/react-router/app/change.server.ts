import type { Session } from '@coatcheck/core'
import { commit, discard, getSession } from '@coatcheck/remix'
import { setTimeout as sleep } from 'node:timers/promises'
import { refusalOf, show, unavailable } from './answers.server.ts'
import type { Edit } from './edits.server.ts'
import { readDelay } from './edits.server.ts'
import type { sessions } from './sessions.server.ts'

/** Reads the session, waits for `delay`, changes the session, and saves it before the response. */
export async function change(context: unknown, url: URL, edit: Edit): Promise<Response> {
  const delay = readDelay(url)
  const session = await getSession<typeof sessions>(context)
  await sleep(delay)
  edit(session)
  return (await save(context, session)) ? show(session) : unavailable()
}

/**
 * False if the session was not saved. If it ended or moved meanwhile (`gone`, `moved`), that is no failure here:
 * the other request came first. Throws a response if a value cannot be stored.
 */
export async function save(context: unknown, session: Session): Promise<boolean> {
  try {
    const { outcome, failure } = await commit(context)
    // Its data is empty, so an edit may have changed nothing, which is no failure but not saved either.
    if (session.state === 'unavailable') return outcome === 'destroyed'
    return failure === null || outcome === 'gone' || outcome === 'moved'
  } catch (error) {
    const answer = refusalOf(error)
    if (answer === null) throw error
    discard(context)
    throw answer
  }
}
