import { encodeBase64url, hash } from './oslo.ts'

/** Fills an array with bytes from a cryptographically secure source. */
export type RandomBytes = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array

const tokenBytes = 32

/**
 * 256 bits are 43 base64url characters; the last one carries 4 bits, so that only 16 characters can end
 * a token. Any other spelling of the same bytes is refused: one session has one token.
 */
const canonicalToken = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** A fresh token: 32 random bytes as 43 base64url characters. Only the cookie has it. */
export function createToken(random: RandomBytes): string {
  return encodeBase64url(random(new Uint8Array(tokenBytes)))
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
  const text = `coatcheck id 1\0${namespace}\0${token}`
  return encodeBase64url(await hash(new TextEncoder().encode(text)))
}
