/** What the store and its sessions need. */
export interface Expected {
  /** Bytes of the largest record. */
  readonly maxBytes: number
  /** Bytes of a session. `undefined`: take the mean of what is stored. */
  readonly sessionBytes: number | undefined
}
