import { crypto } from '#crypto'
import type { Bytes, SealKey } from './crypto.ts'
import type { Identity, RandomBytes } from './token.ts'
import { encodeText, randomBytes } from './token.ts'

/** A server secret, with the id under which records name it. */
export interface Secret {
  /** 4 bytes of a hash of the secret; zero for none. */
  readonly keyId: Bytes
  readonly salt: Bytes
}

/** Wraps records so that the store learns nothing and can change nothing. */
export interface Seal {
  readonly seal: (identity: Identity, plain: Uint8Array) => Promise<Uint8Array>
  /** `null`: not sealed by us, not for this id, or changed. */
  readonly open: (identity: Identity, sealed: Uint8Array) => Promise<Uint8Array | null>
}

/** No server secret: the key comes from the token alone. */
export const noSecret: Secret = { keyId: new Uint8Array(4), salt: new Uint8Array(0) }

/** Names a secret by 32 bits of its hash, so that the order of secrets does not matter to old records. */
export async function readSecret(text: string): Promise<Secret> {
  const digest = await crypto.sha256(encodeText('key id', text))
  return { keyId: digest.slice(0, 4), salt: new TextEncoder().encode(text) }
}

/** For a store inside the process: nothing to hide from. */
export const noSeal: Seal = {
  seal: async (_identity, plain) => plain,
  open: async (_identity, sealed) => sealed,
}

const version = 1
const nonceLength = 12
const headLength = 1 + noSecret.keyId.length + nonceLength

/**
 * `version (1) ‖ key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, AES-256-GCM. The key is
 * HKDF-SHA-256 of the token, salted with the server secret; version, key id and the record's id are
 * authenticated with it, so that no record can be edited, or passed off as another's.
 *
 * A fresh random nonce for every write, under a key of the session's own: after 2^32 writes of one
 * session two would be alike with a chance of 2^-33 (NIST SP 800-38D section 8.3 allows 2^32).
 *
 * New records are sealed with the first secret; every secret opens. There is no other way in: a record
 * without a server secret is not opened where secrets are set.
 */
export function createSeal(
  secrets: Promise<readonly Secret[]>,
  namespace: string,
  random: RandomBytes,
): Seal {
  const keys = new WeakMap<Identity, Map<Secret, SealKey>>()
  const info = encodeText('seal', namespace)

  async function keyOf(identity: Identity, secret: Secret): Promise<SealKey> {
    const known = keys.get(identity)?.get(secret)
    if (known !== undefined) return known
    const key = await crypto.deriveKey(new TextEncoder().encode(identity.token), secret.salt, info)
    const ofIdentity = keys.get(identity) ?? new Map<Secret, SealKey>()
    keys.set(identity, ofIdentity.set(secret, key))
    return key
  }

  return {
    async seal(identity, plain) {
      const [secret = noSecret] = await secrets
      const nonce = randomBytes(random, nonceLength)
      const extra = extraOf(identity, secret)
      const key = await keyOf(identity, secret)
      return join(secret.keyId, nonce, await crypto.seal(key, nonce, new Uint8Array(plain), extra))
    },
    async open(identity, bytes) {
      const sealed = new Uint8Array(bytes)
      if (sealed.length < headLength || sealed[0] !== version) return null
      const keyId = sealed.subarray(1, 1 + noSecret.keyId.length)
      const secret = (await secrets).find((each) =>
        each.keyId.every((byte, at) => byte === keyId[at]),
      )
      if (secret === undefined) return null
      const nonce = sealed.slice(headLength - nonceLength, headLength)
      const key = await keyOf(identity, secret)
      return crypto.open(key, nonce, sealed.slice(headLength), extraOf(identity, secret))
    },
  }
}

function extraOf({ id }: Identity, { keyId }: Secret): Bytes {
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
