/** What the store and its sessions need. */
export interface Expected {
  /** Bytes of the largest record that the store allows. */
  readonly maxBytes: number
  /** Bytes of the largest session: `maxBytes` if it was given, else the default of `createSessions`. */
  readonly largestSession: number
  /** Bytes of a session. `undefined`: take the mean of what is stored. */
  readonly sessionBytes: number | undefined
}
