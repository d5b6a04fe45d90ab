import { HMAC, sha256 } from 'oslo/crypto'
import { base64url } from 'oslo/encoding'
import type { Bytes } from './primitives.ts'

/** Bytes as base64url without padding (RFC 4648 section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  return base64url.encode(bytes, { includePadding: false })
}

/** SHA-256, by Web Crypto. */
export async function hash(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await sha256(bytes))
}

/** HMAC-SHA-256, by Web Crypto. */
export async function sign(key: Bytes, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await new HMAC('SHA-256').sign(key, bytes))
}
