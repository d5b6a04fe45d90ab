import { crypto } from '#crypto'
import type { Bytes } from './crypto.ts'
import { encodeBase64url } from './base64url.ts'

/** Fills an array with bytes from a cryptographically secure source. */
export type RandomBytes = (bytes: Bytes) => unknown

export function randomBytes(random: RandomBytes, length: number): Bytes {
  const bytes = new Uint8Array(length)
  random(bytes)
  return bytes
}

/** What opens a record: where it is, and the secret that its seal is made of. */
export interface Identity {
  /** The store's key: nobody finds the token from it. */
  readonly id: string
  /** For a session its token; never stored, never shown. */
  readonly token: string
}

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

/** Whether a cookie's value can be a token of ours. Nothing else ever reaches the store. */
export function isToken(value: string): boolean {
  return canonicalToken.test(value)
}

/**
 * The store's key for a token: SHA-256 over a fixed domain, the namespace and the token, as 43 base64url
 * characters. Nobody who reads the store or a log finds the token from it (CVE-2019-16782).
 */
export async function idOf(namespace: string, token: string): Promise<string> {
  return encodeBase64url(await crypto.sha256(encodeText('id', namespace, token)))
}

/** A token with its id. */
export async function identify(namespace: string, token: string): Promise<Identity> {
  return { id: await idOf(namespace, token), token }
}

/** Text for a hash: what it is for, then parts that have no NUL in them, so that no two texts are alike. */
export function encodeText(purpose: string, ...parts: readonly string[]): Bytes {
  return new TextEncoder().encode([`coatcheck ${purpose} 1`, ...parts].join('\0'))
}
