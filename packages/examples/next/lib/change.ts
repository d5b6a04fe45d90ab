import { SessionError } from '@coatcheck/core'
import type { Failure, Session } from '@coatcheck/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal, refuse, show, unavailable } from './answers.ts'
import type { Edit } from './edits.ts'
import { readDelay } from './edits.ts'
import { commit, getSession } from './sessions.ts'

/** Reads the session, waits for the delay, changes the session, and saves it before the response. */
export async function change(
  request: Request,
  readEdit: (request: Request) => Edit | Promise<Edit>,
): Promise<Response> {
  try {
    const delay = readDelay(request)
    const edit = await readEdit(request)
    const session = await getSession()
    await sleep(delay)
    const failure = await save(session, edit)
    const isOvertaken = failure?.outcome === 'gone' || failure?.outcome === 'moved'
    return failure && !isOvertaken ? unavailable() : show(session)
  } catch (error) {
    if (error instanceof Refusal) return refuse(error)
    throw error
  }
}

/** Throws a Refusal, and nothing is saved, if the session would hold a value that cannot be stored. */
export async function save(session: Session, edit: Edit): Promise<Failure | null> {
  try {
    edit(session)
    return (await commit()).failure
  } catch (error) {
    session.discard()
    const isRefusal = error instanceof SessionError && error.status < 500
    throw isRefusal ? new Refusal(error.message, error.status) : error
  }
}
