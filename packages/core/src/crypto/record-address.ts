/** Where a record is, and what its seal's key is derived from. */
export interface Address {
  /** The store's key. It tells nothing about what it was derived from. */
  readonly id: string
  /** Never stored or logged. */
  readonly keyMaterial: string
}

/** The address of a session's record. The key material is the token. */
export interface SessionAddress extends Address {
  readonly token: string
}

/**
 * The address of a session as a sign-out reaches it over the mark of a renewal: it can delete what is there, and
 * open a further mark, but not the record.
 */
export interface MarkAddress extends Address {
  readonly isMark: true
}

export function isMark(address: Address): address is MarkAddress {
  return 'isMark' in address
}
