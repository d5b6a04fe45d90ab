/** A record in the old store that must be brought to the new one. */
export interface Departed {
  readonly bytes: Uint8Array
  /** When the new store may forget it, in milliseconds since 1970. */
  readonly expiresAt: number
}

/** Random, so that no record of an app begins with it. */
const markLength = 16
const departedMark = Buffer.from('00d3e7a94c1b5f8826b0914efa7d63c5', 'hex')
const claimMark = Buffer.from('00f14a8e92d05bc67735ea10c8493d2b', 'hex')
const headLength = markLength + 8
const claimLength = markLength + 16

/** What stays in the old store until the record is in the new one: no process changes it any more. */
export function depart({ bytes, expiresAt }: Departed): Uint8Array {
  const whole = new Uint8Array(headLength + bytes.length)
  whole.set(departedMark)
  new DataView(whole.buffer).setFloat64(markLength, expiresAt)
  whole.set(bytes, headLength)
  return whole
}

/** `null`: it is a record like any other. */
export function readDeparted(bytes: Uint8Array): Departed | null {
  if (!begins(bytes, departedMark) || bytes.length < headLength) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  // Not bytes.slice(): that of a Node Buffer copies nothing.
  return {
    bytes: new Uint8Array(bytes.subarray(headLength)),
    expiresAt: view.getFloat64(markLength),
  }
}

/** What takes the place of a record until it is known that it may be there. Each is another one. */
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
