import { generateKeyPairSync, sign } from 'node:crypto'

/** A device key in software. */
export interface DeviceKey {
  readonly prove: (challenge: string, header?: object) => string
  readonly jwk: object
}

/** Signatures differ each time. */
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
