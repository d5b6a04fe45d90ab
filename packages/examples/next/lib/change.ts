import type { Outcome, Session, SessionError, SessionState } from '@coatcheck/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { Refusal, refuse, show, unavailable } from './answers.ts'
import type { Edit } from './edits.ts'
import { readDelay } from './edits.ts'
import { commit, getSession } from './sessions.ts'

/** Reads the session, takes its time, changes it, and saves it before it answers. */
export async function change(
  request: Request,
  readEdit: (request: Request) => Edit | Promise<Edit>,
): Promise<Response> {
  try {
    const delay = readDelay(request)
    const edit = await readEdit(request)
    const session = await getSession()
    await sleep(delay)
    return (await save(session, edit)) ? show(session) : unavailable()
  } catch (error) {
    if (error instanceof Refusal) return refuse(error)
    throw error
  }
}

/**
 * False when the change could not be saved. That the session was `gone` is no failure: whoever ended it was
 * first. Throws a Refusal, and nothing is saved, when what is in it cannot be kept.
 */
export async function save(session: Session, edit: Edit): Promise<boolean> {
  try {
    edit(session)
    const { outcome } = await commit()
    return !hasFailed(session.state, outcome)
  } catch (error) {
    session.discard()
    throw refusalOf(error)
  }
}

function hasFailed(state: SessionState, outcome: Outcome): boolean {
  if (state === 'unavailable') return outcome !== 'destroyed'
  return outcome === 'conflict' || outcome === 'unavailable' || outcome === 'unconfirmed'
}

const statuses: Partial<Record<SessionError['code'], number>> = {
  'unsupported-value': 400,
  'too-large': 413,
  'merge-failed': 409,
}

/** What the API lets people put in, the core may refuse to save: the sender's fault. */
function refusalOf(error: unknown): unknown {
  const { code, message } = error as Partial<SessionError>
  const status = code === undefined ? undefined : statuses[code]
  return status === undefined ? error : new Refusal(message ?? '', status)
}
