import type { Bytes, Crypto } from './primitives.ts'
import { encodeBase64url, hash, sign } from './base64url.ts'

const { subtle } = globalThis.crypto

/** On Web Crypto, which every runtime has. */
export const crypto: Crypto = {
  allocate: (length) => new Uint8Array(length),
  own: (bytes) => new Uint8Array(bytes),
  keep: (bytes) => new Uint8Array(bytes),
  isSame: (left, right) => right.every((byte, at) => byte === left[at]),
  digest: async (text) => encodeBase64url(await hash(new TextEncoder().encode(text))),
  sha256: hash,
  hmac: sign,
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
      return new Uint8Array(await subtle.decrypt(settings(nonce, extra), key as CryptoKey, sealed))
    } catch {
      return null
    }
  },
}

function settings(nonce: Bytes, extra: Bytes): AesGcmParams {
  return { name: 'AES-GCM', iv: nonce, additionalData: extra, tagLength: 128 }
}
