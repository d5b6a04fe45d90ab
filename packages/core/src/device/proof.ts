import type { Bytes } from '../crypto/primitives.ts'
import { encodePublicKey, isSignedBy } from '../crypto/public-key.ts'
import type { SignatureAlgorithm } from '../crypto/public-key.ts'
import type { DeviceRefusal } from '../rules/device-mode.ts'
import type { DeviceKey } from '../store/device-key.ts'

/** A proof as the browser sent it, not verified yet. */
export interface Proof {
  readonly algorithm: SignatureAlgorithm
  /** The key to register, in a registration. */
  readonly jwk: unknown
  readonly challenge: string
  readonly audiences: readonly string[]
  readonly signed: Bytes
  readonly signature: Bytes
}

export type ProofRefusal = Extract<DeviceRefusal, 'too-long' | 'malformed' | 'type' | 'algorithm'>

/** A proof with an RSA-4096 key has 1,800 characters. */
export const longestProof = 4096

/** Parses a `dbsc+jwt` (JWS in compact form, RFC 7515), given as a structured-field item or bare. */
export function readProof(header: string): Proof | ProofRefusal {
  if (header.length > longestProof) return 'too-long'
  const text = unquote(header)
  const [head, body, mac, ...more] = text.split('.')
  if (head === undefined || body === undefined || mac === undefined || more.length > 0) {
    return 'malformed'
  }
  const [about, claims, signature] = [readObject(head), readObject(body), decodeBase64url(mac)]
  if (about === null || claims === null || signature === null) return 'malformed'
  const { alg, typ, crit, jwk } = about
  if (crit !== undefined || typeof claims['jti'] !== 'string') return 'malformed'
  if (typ !== 'dbsc+jwt') return 'type'
  if (alg !== 'ES256' && alg !== 'RS256') return 'algorithm'
  const audiences = readAudiences(claims['aud'])
  if (audiences === null) return 'malformed'
  const signed = new TextEncoder().encode(`${head}.${body}`)
  return { algorithm: alg, jwk, challenge: claims['jti'], audiences, signed, signature }
}

/** The key of a registration; `key` if it is not an allowed key. */
export async function readKey({ algorithm, jwk }: Proof): Promise<DeviceKey | 'key'> {
  const allowed = algorithm === 'ES256' ? ecKey(jwk) : rsaKey(jwk)
  if (allowed === null) return 'key'
  const spki = await encodePublicKey(algorithm, allowed)
  return spki === null ? 'key' : { algorithm, spki }
}

/** `null` if the signature is valid. */
export async function checkSignature(
  { algorithm, signed, signature }: Proof,
  key: DeviceKey,
): Promise<'algorithm' | 'signature' | null> {
  if (algorithm !== key.algorithm) return 'algorithm'
  return (await isSignedBy(algorithm, key.spki, signature, signed)) ? null : 'signature'
}

/** The text of a string item (RFC 9651 section 3.3.3) without its parameters; any other field is returned unchanged. */
export function unquote(field: string): string {
  return /^"([^"\\]*)"/.exec(field)?.[1] ?? field
}

function ecKey(jwk: unknown): JsonWebKey | null {
  const { kty, crv, x, y, d } = (jwk ?? {}) as JsonWebKey
  if (kty !== 'EC' || crv !== 'P-256' || d !== undefined) return null
  return isCoordinate(x) && isCoordinate(y) ? { kty, crv, x, y } : null
}

function isCoordinate(text: unknown): text is string {
  return typeof text === 'string' && decodeBase64url(text)?.length === 32
}

/** Accepts 2048 to 4096 bits. Devices use the exponent 65537. */
function rsaKey(jwk: unknown): JsonWebKey | null {
  const { kty, n, e, d } = (jwk ?? {}) as JsonWebKey
  if (kty !== 'RSA' || e !== 'AQAB' || typeof n !== 'string' || d !== undefined) return null
  const modulus = decodeBase64url(n)
  if (modulus === null || modulus.length < 256 || modulus.length > 512) return null
  return (modulus[0] as number) >= 0x80 ? { kty, n, e } : null
}

function readAudiences(aud: unknown): readonly string[] | null {
  if (aud === undefined) return []
  const all: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return all.every((each) => typeof each === 'string') ? all : null
}

function readObject(text: string): { readonly [name: string]: unknown } | null {
  const bytes = decodeBase64url(text)
  if (bytes === null) return null
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as { readonly [name: string]: unknown }) : null
  } catch {
    return null
  }
}

function decodeBase64url(text: string): Bytes | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
