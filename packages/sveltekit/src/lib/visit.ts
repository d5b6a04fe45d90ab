import type { Committed, Opened, Session, Sessions } from '@coatcheck/core'

/** The session of one request from outside, and of all the sub-requests made for it. */
export interface Visit<data extends object> {
  /** Opens the session when first called; the same one ever after. */
  readonly open: () => Promise<Opened<data>>
  /** Drops what was changed, if it is not saved yet. */
  readonly discard: () => void
  /** Saves the session, and takes no changes from then on. `null`: nobody asked for it. */
  readonly end: () => Promise<Committed | null>
  readonly hasEnded: () => boolean
  /** Opens the session as it is stored now, for a save of its own, once this one has ended. */
  readonly openAgain: () => Promise<Opened<data>>
}

/** `prerendering`: there is no visitor, so the session is empty and cannot be saved. */
export function startVisit<data extends object>(
  sessions: Sessions<data>,
  request: Request,
  prerendering: boolean,
): Visit<data> {
  let opened: Promise<Opened<data>> | null = null
  let ended: Promise<Committed | null> | null = null
  let dropped = false

  async function openFirst(late: boolean): Promise<Opened<data>> {
    const first = await sessions.open(prerendering ? null : request)
    if (prerendering) first.lock(whilePrerendering)
    if (late) first.lock(afterResponse)
    // Who asks, looks, for the headers that caches obey: the data may be read in a stream, after them.
    void first.session.state
    return first
  }

  async function commit(): Promise<Committed | null> {
    // A session that could not be opened has nothing to save, and whoever asked for it has been told.
    const first = await opened?.catch(() => null)
    if (!first || (dropped && !drop(first.session))) return null
    return first.commit()
  }

  return {
    open: () => (opened ??= openFirst(ended !== null)),
    discard: () => void (dropped = true),
    end: () =>
      (ended ??= commit().catch((error: unknown) => {
        ended = null
        throw error
      })),
    hasEnded: () => ended !== null,
    async openAgain() {
      const cookie = (await ended)?.cookie
      if (!cookie) return sessions.open(request)
      return sessions.open(`${cookie.name}=${cookie.value}`, { secure: cookie.secure })
    },
  }
}

/** False when an earlier commit failed so late that the session takes no more changes: nothing is left to do. */
function drop(session: Session<object>): boolean {
  try {
    session.discard()
    return true
  } catch {
    return false
  }
}

const whilePrerendering =
  'A prerendered page has no visitor, so nothing can be saved: change the session in an action or an ' +
  'endpoint, or export const prerender = false'

const afterResponse =
  'The response has left, so nothing would save this: call getSession(event) before the load, action or ' +
  'endpoint returns, or saveLate(event, change)'
