import type { Refuse } from './data.ts'
import type { Found, Intent } from './next-step.ts'

/**
 * `new`: nothing is stored for this visitor; it will be if the handler puts something in. `live`: loaded.
 * `unavailable`: there may be a session, but the store cannot be reached; the data are empty, and what is
 * put in is not saved.
 */
export type SessionState = 'new' | 'live' | 'unavailable'

/** What a handler holds during one request. */
export interface Session<data extends object = Record<string, unknown>> {
  /**
   * An ordinary object: read it, assign, push, delete. What changed is found by comparing with the
   * snapshot at load. The object itself cannot be replaced. After the commit a change throws.
   */
  readonly data: data
  /** The store's key, safe in logs; `null` while nothing is stored. */
  readonly id: string | null
  /** What loading found. */
  readonly state: SessionState
  /**
   * Gives the session a new token at commit and ends the old one; all data are kept. Call it whenever the
   * visitor's rights change, above all at login, so that a token known to somebody before is worth
   * nothing after (session fixation).
   */
  readonly renew: () => void
  /**
   * Ends the session at commit, everywhere, and deletes the cookie. Takes precedence over everything
   * else; changes to the data are dropped.
   */
  readonly destroy: () => void
  /** Drops this request's changes. Takes back `renew`, and is taken back by it; never `destroy`. */
  readonly discard: () => void
}

/** A session with what the commit needs to know about it. */
export interface SessionHandle<data extends object> {
  readonly session: Session<data>
  readonly intent: () => Intent
  /** What is asked for later throws what `refuse` throws. */
  readonly close: (refuse: Refuse) => void
  /** The commit may have given the session another id, or none. */
  readonly rename: (id: string | null) => void
}

export function createSession<data extends object>(
  data: data,
  found: Found,
  loadedId: string | null,
): SessionHandle<data> {
  let intent: Intent = 'keep'
  let id = loadedId
  let closed: Refuse | null = null
  const ask = (next: Intent): void => {
    closed?.(`session.${next}()`)
    if (intent !== 'destroy') intent = next
  }
  const session: Session<data> = {
    data,
    get id() {
      return id
    },
    state: stateOf(found),
    renew: () => ask('renew'),
    destroy: () => ask('destroy'),
    discard: () => ask('discard'),
  }
  return {
    session: Object.freeze(session),
    intent: () => intent,
    close: (refuse) => void (closed = refuse),
    rename: (newId) => void (id = newId),
  }
}

function stateOf(found: Found): SessionState {
  return found === 'live' || found === 'unavailable' ? found : 'new'
}
