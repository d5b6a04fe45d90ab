import { crypto } from '#crypto'
import type { Address } from './record-address.ts'
import type { Bytes, SealKey } from './crypto.ts'
import { encodeText } from './encode-text.ts'
import type { Keyring, Secret } from './keyring.ts'
import { noSecret } from './keyring.ts'
import type { RandomBytes } from './random.ts'
import { randomBytes } from './random.ts'

/** Wraps records so that the store learns nothing and can change nothing. */
export interface Seal {
  readonly seal: (address: Address, plain: Uint8Array) => Promise<Uint8Array>
  /** `null`: not sealed with one of our secrets, not for this address, or changed. */
  readonly open: (address: Address, sealed: Uint8Array) => Promise<Uint8Array | null>
  /** Whether the record names a secret that we do not have: another process may be able to open it. */
  readonly isForeign: (sealed: Uint8Array) => Promise<boolean>
}

/** For a store inside the process: nothing to hide from. */
export const noSeal: Seal = {
  seal: async (_address, plain) => plain,
  open: async (_address, sealed) => sealed,
  isForeign: async () => false,
}

const version = 1
const nonceLength = 12
const headLength = 1 + noSecret.keyId.length + nonceLength

/**
 * `version (1) ‖ key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, AES-256-GCM. The key is
 * HKDF-SHA-256 of the address's key material, salted with the server secret; version, key id and the
 * record's id are authenticated with it, so that no record can be edited, or passed off as another's.
 *
 * A fresh random nonce for every write, under a key of the session's own: after 2^32 writes of one
 * session two would be alike with a chance of 2^-33 (NIST SP 800-38D section 8.3 allows 2^32).
 *
 * New records are sealed with the newest secret; every secret opens. There is no other way in: a record
 * without a server secret is not opened where secrets are set.
 */
export function createSeal(keyring: Keyring, namespace: string, random: RandomBytes): Seal {
  const keys = new WeakMap<Address, Map<Secret, SealKey>>()
  const info = encodeText('seal', namespace)

  async function keyOf(address: Address, secret: Secret): Promise<SealKey> {
    const known = keys.get(address)?.get(secret)
    if (known !== undefined) return known
    const material = new TextEncoder().encode(address.keyMaterial)
    const key = await crypto.deriveKey(material, secret.salt, info)
    const ofAddress = keys.get(address) ?? new Map<Secret, SealKey>()
    keys.set(address, ofAddress.set(secret, key))
    return key
  }

  async function secretOf(sealed: Uint8Array): Promise<Secret | undefined> {
    return keyring.find(sealed.subarray(1, 1 + noSecret.keyId.length))
  }

  return {
    async seal(address, plain) {
      const secret = await keyring.newest()
      const nonce = randomBytes(random, nonceLength)
      const extra = extraOf(address, secret)
      const key = await keyOf(address, secret)
      return join(secret.keyId, nonce, await crypto.seal(key, nonce, new Uint8Array(plain), extra))
    },
    async open(address, bytes) {
      const sealed = new Uint8Array(bytes)
      if (!hasHead(sealed)) return null
      const secret = await secretOf(sealed)
      if (secret === undefined) return null
      const nonce = sealed.slice(headLength - nonceLength, headLength)
      const key = await keyOf(address, secret)
      return crypto.open(key, nonce, sealed.slice(headLength), extraOf(address, secret))
    },
    async isForeign(sealed) {
      return hasHead(sealed) && (await secretOf(sealed)) === undefined
    },
  }
}

function hasHead(sealed: Uint8Array): boolean {
  return sealed.length >= headLength && sealed[0] === version
}

function extraOf({ id }: Address, { keyId }: Secret): Bytes {
  return join(keyId, new Uint8Array(0), new TextEncoder().encode(id))
}

function join(keyId: Bytes, nonce: Bytes, rest: Bytes): Bytes {
  const whole = new Uint8Array(1 + keyId.length + nonce.length + rest.length)
  whole[0] = version
  whole.set(keyId, 1)
  whole.set(nonce, 1 + keyId.length)
  whole.set(rest, 1 + keyId.length + nonce.length)
  return whole
}
