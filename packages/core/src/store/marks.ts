import type { Owner, SessionRecord } from './record.ts'

/** The forward that a rotation leaves under the old id: reads and saves follow it. */
export interface Forward {
  readonly kind: 'forward'
  /** The session's current token. */
  readonly token: string
  /** When the forward expires. */
  readonly until: number
}

/** The mark that a sign-in or renewal leaves under the old id: only a sign-out follows it. */
export interface MovedMark {
  readonly kind: 'moved'
  /** The session's new id. The mark does not contain its token. */
  readonly id: string
  /** Opens only the mark that a later renewal leaves there. */
  readonly markKey: string
  readonly owner: Owner | null
  /** When the mark expires. */
  readonly until: number
}

/** What can be stored under a session's id. */
export type Entry = SessionRecord | Forward | MovedMark

export function isRecord(entry: Entry): entry is SessionRecord {
  return !('kind' in entry)
}

export function isForward(entry: Entry): entry is Forward {
  return 'kind' in entry && entry.kind === 'forward'
}

export function isMovedMark(entry: Entry): entry is MovedMark {
  return 'kind' in entry && entry.kind === 'moved'
}
