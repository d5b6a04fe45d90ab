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
 * 256 bits are 43 base64url characters; the last one carries 4 bits, so that only 16 characters can end
 * a token. Any other spelling of the same bytes is refused: one session has one token.
 */
const canonicalToken = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** A fresh token: 32 random bytes as 43 base64url characters. Only the cookie has it. */
export function createToken(random: RandomBytes): string {
  return encodeBase64url(randomBytes(random, tokenBytes))
}

/** Whether a cookie's value can be a token. Nothing else ever reaches the store. */
export function isToken(value: string): boolean {
  return canonicalToken.test(value)
}

/**
 * The store's key for a token: SHA-256 over a fixed domain, the namespace and the token, as 43 base64url
 * characters. The token cannot be found from it by reading the store or a log (CVE-2019-16782).
 */
export function idOf(namespace: string, token: string): Eventually<string> {
  return crypto.digest(joinText('id', namespace, token))
}

/** Where the record of a token's session is. */
export function addressOf(namespace: string, token: string): Eventually<SessionAddress> {
  const id = idOf(namespace, token)
  return isPromise(id) ? id.then((known) => addressAt(known, token)) : addressAt(id, token)
}

function addressAt(id: string, token: string): SessionAddress {
  return { id, keyMaterial: token, token }
}

/**
 * What seals the mark that a renewal leaves under the id of this token. It is one-way: a mark names the key of
 * the next one, and neither gives a token or opens a record.
 */
export async function markKeyOf(namespace: string, token: string): Promise<string> {
  return crypto.digest(joinText('mark', namespace, token))
}

/** Where the mark of a renewal is. */
export function markAddressOf(id: string, markKey: string): MarkAddress {
  return { id, keyMaterial: `mark ${markKey}`, isMark: true }
}
