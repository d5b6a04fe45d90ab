import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import type { JsonWebKey, KeyObject } from 'node:crypto'

/** A key of a device, in software. */
export interface DeviceKey {
  readonly prove: (challenge: string, header?: object) => string
  readonly jwk: object
}

/** Signatures differ each time, which changes nothing of a schedule. */
export function createDeviceKey(): DeviceKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    jwk: publicKey.export({ format: 'jwk' }),
    prove(challenge, header = {}) {
      const head = encode({ alg: 'ES256', typ: 'dbsc+jwt', ...header })
      const text = `${head}.${encode({ jti: challenge })}`
      const how = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const
      return `${text}.${sign('sha256', Buffer.from(text), how).toString('base64url')}`
    },
  }
}

/**
 * Web Crypto answers on a thread, at a time that no seed decides. Here it answers at once, by node:crypto. Call it before the
 * core is imported.
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
