/** The location of a record, and the input of its key derivation. */
export interface Address {
  /** The key in the store. It reveals nothing about its source. */
  readonly id: string
  /** Never stored or logged. */
  readonly keyMaterial: string
}

/** The address of a session's record. The key material is the token. */
export interface SessionAddress extends Address {
  readonly token: string
}

/**
 * The address by which a sign-out reaches a session through a renewal's mark. It can delete the record and open a
 * further mark, but not open the record.
 */
export interface MarkAddress extends Address {
  readonly isMark: true
}

export function isMark(address: Address): address is MarkAddress {
  return 'isMark' in address
}
