import { generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

export interface SoftwareDevice {
  readonly jwk: Record<string, unknown>
  /** A proof as a browser makes it. `header` and `claims` replace parts of it. */
  readonly prove: (challenge: string, parts?: ProofParts) => string
}

export interface ProofParts {
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
}

/** A device whose key is in memory, and signs without a TPM. */
export function createDevice(algorithm: 'ES256' | 'RS256' = 'ES256'): SoftwareDevice {
  const { publicKey, privateKey } =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    jwk: publicKey.export({ format: 'jwk' }) as Record<string, unknown>,
    prove: (challenge, { header, claims } = {}) =>
      signToken(
        { alg: algorithm, typ: 'dbsc+jwt', ...header },
        { jti: challenge, ...claims },
        privateKey,
      ),
  }
}

/** A JWS with any header and claims. */
export function signToken(header: object, claims: object, key: KeyObject): string {
  const text = `${encode(header)}.${encode(claims)}`
  const how = { key, dsaEncoding: 'ieee-p1363' } as const
  return `${text}.${sign('sha256', Buffer.from(text), how).toString('base64url')}`
}

export function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
