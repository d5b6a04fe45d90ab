import { createPublicKey, verify } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'

/**
 * Replaces the key and signature functions of Web Crypto, which answer on a thread at unpredictable times, by
 * synchronous ones of node:crypto. Call it before importing the core.
 */
export function answerAtOnce(): void {
  const { subtle } = globalThis.crypto
  const der = (bytes: Uint8Array): KeyObject =>
    createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' })
  Object.defineProperties(subtle, {
    importKey: {
      value: async (format: string, key: object) =>
        format === 'jwk'
          ? createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
          : der(key as Uint8Array),
    },
    exportKey: {
      value: async (_format: string, key: KeyObject) => key.export({ format: 'der', type: 'spki' }),
    },
    verify: {
      value: async (_how: object, key: KeyObject, signature: Uint8Array, signed: Uint8Array) =>
        verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature),
    },
  })
}
