import { isPromise } from './is-promise.ts'
import { crypto } from '#crypto'
import type { Eventually } from './primitives.ts'
import type { MarkAddress, SessionAddress } from './record-address.ts'
import { encodeBase64url } from './base64url.ts'
import { joinText } from './encode-text.ts'
import type { RandomBytes } from './random.ts'
import { randomBytes } from './random.ts'

const tokenBytes = 32

/**
 * 256 bits are 43 base64url characters, of which the last carries 4 bits, so only 16 characters can end a token. Other
 * spellings of the same bytes are refused, so that a session has exactly one token.
 */
const canonicalToken = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** A new token: 32 random bytes as 43 base64url characters. Only the cookie contains it. */
export function createToken(random: RandomBytes): string {
  return encodeBase64url(randomBytes(random, tokenBytes))
}

/** Whether a cookie's value can be a token. The store is not queried for other values. */
export function isToken(value: string): boolean {
  return canonicalToken.test(value)
}

/**
 * The store key of a token: SHA-256 over a fixed domain, the namespace and the token, as 43 base64url characters.
 * Reading the store or a log does not reveal the token (CVE-2019-16782).
 */
export function idOf(namespace: string, token: string): Eventually<string> {
  return crypto.digest(joinText('id', namespace, token))
}

/** The address of a token's session. */
export function addressOf(namespace: string, token: string): Eventually<SessionAddress> {
  const id = idOf(namespace, token)
  return isPromise(id) ? id.then((known) => addressAt(known, token)) : addressAt(id, token)
}

function addressAt(id: string, token: string): SessionAddress {
  return { id, keyMaterial: token, token }
}

/**
 * Derives the key of the mark that a renewal leaves under this token's id. One-way: a mark contains the key of the next
 * mark, and neither reveals a token or opens a record.
 */
export async function markKeyOf(namespace: string, token: string): Promise<string> {
  return crypto.digest(joinText('mark', namespace, token))
}

/** The address of a renewal's mark. */
export function markAddressOf(id: string, markKey: string): MarkAddress {
  return { id, keyMaterial: `mark ${markKey}`, isMark: true }
}
