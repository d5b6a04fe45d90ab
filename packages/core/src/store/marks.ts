import type { Owner, SessionRecord } from './record.ts'

/** The forward that a rotation leaves under the old id: reads and saves follow it. */
export interface Forward {
  readonly kind: 'forward'
  /** The token that the session has now. */
  readonly token: string
  /** When it stops to count. */
  readonly until: number
}

/** The mark that a sign-in or renewal leaves under the old id: only a sign-out follows it. */
export interface MovedMark {
  readonly kind: 'moved'
  /** Where the session is now. Its token is not in here. */
  readonly id: string
  /** Opens the mark that a further renewal leaves there, and nothing else. */
  readonly markKey: string
  readonly owner: Owner | null
  /** When it stops to count. */
  readonly until: number
}

/** What is found under a session's id. */
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
