import type { Session } from '@coatcheck/core'
import { commit, getSession } from '@coatcheck/remix'
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

/** False when the store cannot be reached. Throws the answer when the session cannot be saved as it is. */
export async function save(context: unknown, session: Session): Promise<boolean> {
  try {
    const { outcome } = await commit(context)
    return outcome !== 'unavailable' && outcome !== 'unconfirmed'
  } catch (error) {
    session.discard()
    throw refusalOf(error) ?? error
  }
}
