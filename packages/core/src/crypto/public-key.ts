import type { Bytes } from './primitives.ts'

/** RFC 7518 section 3.1: ECDSA on P-256 and RSASSA-PKCS1-v1_5, each with SHA-256. */
export type SignatureAlgorithm = 'ES256' | 'RS256'

const { subtle } = globalThis.crypto

const algorithms: { readonly [name in SignatureAlgorithm]: EcKeyImportParams & EcdsaParams } = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', namedCurve: '', hash: 'SHA-256' },
}

/** Encodes a public key as SubjectPublicKeyInfo in DER; `null` if it is not a key of this algorithm. */
export async function encodePublicKey(
  algorithm: SignatureAlgorithm,
  jwk: JsonWebKey,
): Promise<Bytes | null> {
  try {
    const key = await subtle.importKey('jwk', jwk, algorithms[algorithm], true, ['verify'])
    return new Uint8Array(await subtle.exportKey('spki', key))
  } catch {
    return null
  }
}

/** Verifies a signature. Rejects if the key does not come from `encodePublicKey`. */
export async function isSignedBy(
  algorithm: SignatureAlgorithm,
  publicKey: Uint8Array,
  signature: Bytes,
  signed: Bytes,
): Promise<boolean> {
  const how = algorithms[algorithm]
  const spki = new Uint8Array(publicKey)
  const key = await subtle.importKey('spki', spki, how, false, ['verify'])
  return subtle.verify(how, key, signature, signed)
}
