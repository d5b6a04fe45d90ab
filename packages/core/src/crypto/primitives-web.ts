import { HMAC, sha256 } from 'oslo/crypto'
import { base64url } from 'oslo/encoding'
import { ownMemory } from './arena.ts'
import type { Bytes, Crypto } from './primitives.ts'

const { subtle } = globalThis.crypto

/** Based on Web Crypto, which every runtime has. */
export const crypto: Crypto = {
  allocate: ownMemory,
  keep: (bytes) => new Uint8Array(bytes),
  isSame: (left, right) => right.every((byte, at) => byte === left[at]),
  base64url: encode,
  digest: async (text) => encode(await hash(new TextEncoder().encode(text))),
  sha256: hash,
  hmac: async (key, bytes) => new Uint8Array(await new HMAC('SHA-256').sign(key, bytes)),
  async deriveKey(material, salt, info) {
    const key = await subtle.importKey('raw', material, 'HKDF', false, ['deriveKey'])
    return subtle.deriveKey(
      { name: 'HKDF', hash: 'SHA-256', salt, info },
      key,
      { name: 'AES-GCM', length: 256 },
      false,
      ['encrypt', 'decrypt'],
    )
  },
  async seal(key, nonce, plain, extra, whole) {
    const sealed = await subtle.encrypt(settings(nonce, extra), key as CryptoKey, plain)
    whole.set(new Uint8Array(sealed), whole.length - sealed.byteLength)
  },
  async open(key, nonce, sealed, extra) {
    try {
      // Copied, because Web Crypto refuses shared memory, which a store may return.
      const [own, ownNonce] = [new Uint8Array(sealed), new Uint8Array(nonce)]
      return new Uint8Array(await subtle.decrypt(settings(ownNonce, extra), key as CryptoKey, own))
    } catch {
      return null
    }
  },
}

function settings(nonce: Bytes, extra: Bytes): AesGcmParams {
  return { name: 'AES-GCM', iv: nonce, additionalData: extra, tagLength: 128 }
}

function encode(bytes: Uint8Array): string {
  return base64url.encode(bytes, { includePadding: false })
}

async function hash(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await sha256(bytes))
}
