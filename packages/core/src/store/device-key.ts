import type { SignatureAlgorithm } from '../crypto/public-key.ts'
import { isCount } from './is-count.ts'

/**
 * Binds a session to a key that a browser keeps on its device (Device Bound Session Credentials). Challenges and bound
 * cookies are derived from it, so that nothing else is stored.
 */
export interface Device {
  /** The browser's name for the binding, `session_identifier`. Not secret. */
  readonly id: string
  /** 16 random bytes that challenges and bound cookies derive from. */
  readonly secret: Uint8Array
  /** When a sign-in offered it, in milliseconds since 1970. */
  readonly offeredAt: number
  /** The device's public key; `null`: no browser has registered one. */
  readonly key: DeviceKey | null
  /** The number of proofs made with the key; 0: it is not known yet whether the browser kept the key. */
  readonly proofs: number
}

export interface DeviceKey {
  readonly algorithm: SignatureAlgorithm
  /** SubjectPublicKeyInfo, in DER. */
  readonly spki: Uint8Array
}

/** The maximum size of a device in a record. */
export function deviceSize(device: Device | undefined): number {
  return device === undefined ? 0 : 64 + (device.key?.spki.length ?? 0)
}

/** `[id, secret, offeredAt, algorithm, spki, proofs]`; algorithm and spki are `null` until a key is registered. */
export function encodeDevice({ id, secret, offeredAt, key, proofs }: Device): readonly unknown[] {
  return [id, secret, offeredAt, key && key.algorithm, key && key.spki, proofs]
}

/** `null` if it is not in this format. */
export function decodeDevice(value: unknown): Device | null {
  if (!Array.isArray(value) || value.length !== 6) return null
  const [id, secret, offeredAt, algorithm, spki, proofs] = value as unknown[]
  if (typeof id !== 'string' || !(secret instanceof Uint8Array)) return null
  if (!isCount(offeredAt) || !isCount(proofs)) return null
  // Copied: later records share these arrays, and a view would keep the whole record in memory.
  const device = { id, secret: new Uint8Array(secret), offeredAt, proofs }
  if (algorithm === null && spki === null) return { ...device, key: null }
  if (algorithm !== 'ES256' && algorithm !== 'RS256') return null
  if (!(spki instanceof Uint8Array)) return null
  return { ...device, key: { algorithm, spki: new Uint8Array(spki) } }
}
