import { copyBytes, createArena } from './arena.ts'
import { isPromise } from './is-promise.ts'
import { crypto } from '#crypto'
import type { Address } from './record-address.ts'
import { isMark } from './record-address.ts'
import type { Bytes, Eventually, SealKey } from './primitives.ts'
import { encodeText, encoder } from './encode-text.ts'
import type { Keyring, Secret } from './keyring.ts'
import { noSecret } from './keyring.ts'
import { randomBytes } from './random.ts'
import type { RandomBytes } from './random.ts'

/** Seals records so that the store can neither read nor change them. */
export interface Seal {
  /** The result has its own memory, or is a view of an arena. */
  readonly seal: (address: Address, plain: Uint8Array) => Eventually<Uint8Array>
  /** The result has its own memory. `null`: not sealed with one of our secrets, not for this address, or changed. */
  readonly open: (address: Address, sealed: Uint8Array) => Eventually<Uint8Array | null>
  /** Whether the record names a secret that we do not have, so that another process may be able to open it. */
  readonly isForeign: (sealed: Uint8Array) => Promise<boolean>
}

const allocate = createArena()

/** For in-process stores, where nothing must be hidden. Uses an arena that only such stores see. */
export const noSeal: Seal = {
  seal: (_address, plain) => copyBytes(allocate, plain),
  open: (_address, sealed) => new Uint8Array(sealed),
  isForeign: async () => false,
}

const version = 1
const nonceLength = 12
const headLength = 1 + noSecret.keyId.length + nonceLength
const tagLength = 16

/** Keys of records that were recently sealed or opened, by id. */
export interface KeyCache {
  readonly get: (id: string) => Map<Secret, SealKey> | undefined
  readonly set: (id: string, keys: Map<Secret, SealKey>, size: number) => void
}

/**
 * `version (1) ‖ key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, AES-256-GCM. The key is HKDF-SHA-256 of the
 * address's key material, salted with the server secret. Version, key id and record id are authenticated, so that no
 * record can be changed or moved to another id.
 *
 * Every write has a fresh random nonce under the session's own key. After 2^32 writes of one session, the chance of a
 * repeated nonce is 2^-33 (NIST SP 800-38D section 8.3 allows 2^32).
 *
 * New records are sealed with the newest secret; each secret can open records. Where secrets are set, records sealed
 * without one are not opened.
 */
export function createSeal(
  keyring: Keyring,
  namespace: string,
  random: RandomBytes,
  /** `null`: no key is kept beyond its request. */
  cache: KeyCache | null = null,
): Seal {
  const ofRequests = new WeakMap<Address, Map<Secret, SealKey>>()
  const info = encodeText('seal', namespace)

  function keysOf(address: Address): Map<Secret, SealKey> {
    // A mark has the same id as its session, but another key.
    const kept = cache === null || isMark(address) ? null : cache
    const known = kept === null ? ofRequests.get(address) : kept.get(address.id)
    if (known !== undefined) return known
    const keys = new Map<Secret, SealKey>()
    if (kept === null) ofRequests.set(address, keys)
    else kept.set(address.id, keys, 1)
    return keys
  }

  async function keyOf(address: Address, secret: Secret): Promise<SealKey> {
    const keys = keysOf(address)
    const known = keys.get(secret)
    if (known !== undefined) return known
    const material = encoder.encode(address.keyMaterial)
    const key = await crypto.deriveKey(material, secret.salt, info)
    keys.set(secret, key)
    return key
  }

  function secretOf(sealed: Uint8Array): Promise<Secret | undefined> {
    return keyring.find(sealed.subarray(1, 1 + noSecret.keyId.length))
  }

  function sealBy(
    key: SealKey,
    secret: Secret,
    address: Address,
    plain: Uint8Array,
  ): Eventually<Uint8Array> {
    const whole = withHead(secret, headLength + plain.length + tagLength)
    const nonce = nonceOf(whole)
    nonce.set(randomBytes(random, nonceLength))
    const done = crypto.seal(key, nonce, plain as Bytes, extraOf(address, secret), whole)
    return isPromise(done) ? done.then(() => whole) : whole
  }

  async function sealNewly(address: Address, plain: Uint8Array): Promise<Uint8Array> {
    const secret = await keyring.newest()
    return sealBy(await keyOf(address, secret), secret, address, plain)
  }

  return {
    seal(address, plain) {
      const secret = keyring.ready
      const key = secret && keysOf(address).get(secret)
      return key ? sealBy(key, secret, address, plain) : sealNewly(address, plain)
    },
    async open(address, bytes) {
      const sealed = bytes as Bytes
      if (!hasHead(sealed)) return null
      const secret = await secretOf(sealed)
      if (secret === undefined) return null
      const key = await keyOf(address, secret)
      const text = sealed.subarray(headLength)
      return crypto.open(key, nonceOf(sealed), text, extraOf(address, secret))
    },
    async isForeign(sealed) {
      return hasHead(sealed) && (await secretOf(sealed)) === undefined
    },
  }
}

function hasHead(sealed: Uint8Array): boolean {
  return sealed.length >= headLength && sealed[0] === version
}

function nonceOf(sealed: Bytes): Bytes {
  return sealed.subarray(headLength - nonceLength, headLength)
}

/** The authenticated data: version, key id and record id. */
function extraOf({ id }: Address, secret: Secret): Bytes {
  const start = 1 + secret.keyId.length
  const extra = withHead(secret, start + id.length)
  // Ids are base64url. A TextEncoder would allocate outside the heap, which costs garbage collection.
  for (let at = 0; at < id.length; at++) extra[start + at] = id.charCodeAt(at)
  return extra
}

function withHead({ keyId }: Secret, length: number): Bytes {
  const whole = crypto.allocate(length)
  whole[0] = version
  whole.set(keyId, 1)
  return whole
}
