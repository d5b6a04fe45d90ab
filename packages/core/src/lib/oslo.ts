import { base64url } from 'oslo/encoding'
import { sha256 } from 'oslo/crypto'

/** Bytes as base64url without padding (RFC 4648 section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  return base64url.encode(bytes, { includePadding: false })
}

/** SHA-256 (FIPS 180-4), by Web Crypto. */
export async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await sha256(bytes))
}
