import type { Committed, Opened, Sessions } from '@coatcheck/core'

/** The session of one request from outside, and of all the sub-requests made for it. */
export interface Visit<data extends object> {
  /** Opens the session when first called; the same one ever after. */
  readonly open: () => Promise<Opened<data>>
  /** Drops what was changed so far, if it is not saved yet. */
  readonly discard: () => Promise<void>
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

  async function openFirst(late: boolean): Promise<Opened<data>> {
    const first = await sessions.open(prerendering ? null : request)
    if (prerendering) first.lock(whilePrerendering)
    if (late) first.lock(afterResponse)
    return first
  }

  /** A session that could not be opened has nothing to save, and whoever asked for it has been told. */
  async function find(): Promise<Opened<data> | null> {
    return (await opened?.catch(() => null)) ?? null
  }

  async function commit(): Promise<Committed | null> {
    return (await find())?.commit() ?? null
  }

  return {
    open: () => (opened ??= openFirst(ended !== null)),
    async discard() {
      const first = await find()
      if (ended === null) first?.session.discard()
    },
    end: () =>
      (ended ??= commit().catch((error: unknown) => {
        ended = null
        throw error
      })),
    hasEnded: () => ended !== null,
    async openAgain() {
      const cookie = (await ended)?.cookie
      return sessions.open(cookie ? `${cookie.name}=${cookie.value}` : request)
    },
  }
}

const whilePrerendering =
  'A prerendered page has no visitor, so nothing can be saved: change the session in an action or an ' +
  'endpoint, or export const prerender = false'

const afterResponse =
  'The response has left, so nothing would save this: call getSession(event) before the load, action or ' +
  'endpoint returns, or saveLate(event, change)'
