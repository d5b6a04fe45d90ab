/** A record in the old store that must be copied to the new one. */
export interface Departed {
  readonly bytes: Uint8Array
  /** When the new store may drop it, in milliseconds since 1970. */
  readonly expiresAt: number
}

/** Random marks, so that no app's record begins with one. */
const markLength = 16
const departedMark = Buffer.from('00d3e7a94c1b5f8826b0914efa7d63c5', 'hex')
const claimMark = Buffer.from('00f14a8e92d05bc67735ea10c8493d2b', 'hex')
const headLength = markLength + 8
const claimLength = markLength + 16

/** Frames a record that stays in the old store until it has been copied; no process changes it any more. */
export function depart({ bytes, expiresAt }: Departed): Uint8Array {
  const whole = new Uint8Array(headLength + bytes.length)
  whole.set(departedMark)
  new DataView(whole.buffer).setFloat64(markLength, expiresAt)
  whole.set(bytes, headLength)
  return whole
}

/** `null` for an ordinary record. */
export function readDeparted(bytes: Uint8Array): Departed | null {
  if (!begins(bytes, departedMark) || bytes.length < headLength) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  // Not bytes.slice(): on a Node Buffer it returns a view.
  return {
    bytes: new Uint8Array(bytes.subarray(headLength)),
    expiresAt: view.getFloat64(markLength),
  }
}

/** A unique placeholder for a record until it is known whether the record may be there. */
export function createClaim(): Uint8Array {
  const claim = crypto.getRandomValues(new Uint8Array(claimLength))
  claim.set(claimMark)
  return claim
}

export function isClaim(bytes: Uint8Array): boolean {
  return bytes.length === claimLength && begins(bytes, claimMark)
}

export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && begins(one, other)
}

function begins(bytes: Uint8Array, start: Uint8Array): boolean {
  return bytes.length >= start.length && start.every((byte, at) => byte === bytes[at])
}
