import { crypto } from '#crypto'
import type { Bytes } from './primitives.ts'
import { encodeText, encoder } from './encode-text.ts'
import { sameBytes } from './same-bytes.ts'

/** A server secret, and the id by which records refer to it. */
export interface Secret {
  /** 4 bytes of a hash of the secret; zeros without a secret. */
  readonly keyId: Bytes
  readonly salt: Bytes
}

/** No server secret: the key derives from the token alone. */
export const noSecret: Secret = { keyId: new Uint8Array(4), salt: new Uint8Array(0) }

/** The id of a secret is 32 bits of its hash, so that the order of the secrets does not matter to old records. */
export async function readSecret(text: string): Promise<Secret> {
  const digest = await crypto.sha256(encodeText('key id', text))
  return { keyId: digest.slice(0, 4), salt: encoder.encode(text) }
}

/** The server's secrets, newest first; `noSecret` if there are none. */
export class Keyring {
  readonly #secrets: Promise<readonly Secret[]>
  #ready: readonly Secret[] | null = null

  constructor(texts: readonly string[]) {
    this.#secrets =
      texts.length === 0 ? Promise.resolve([noSecret]) : Promise.all(texts.map(readSecret))
    // The error is reported to the first caller that needs a secret.
    this.#secrets.then(
      (secrets) => (this.#ready = secrets),
      () => {},
    )
  }

  /** The newest secret, if the secrets have been read already, so that no await is needed. */
  get ready(): Secret | null {
    return this.#ready?.[0] ?? null
  }

  async newest(): Promise<Secret> {
    return (await this.#secrets)[0] as Secret
  }

  /** The secret that a record refers to; `undefined` if it is not on the keyring. */
  async find(keyId: Uint8Array): Promise<Secret | undefined> {
    const secrets = await this.#secrets
    return secrets.find((secret) => sameBytes(secret.keyId, keyId))
  }

  /** An HMAC of a text with each secret, newest first. Without a secret, a hash. */
  async authenticate(text: Bytes): Promise<readonly Bytes[]> {
    const secrets = await this.#secrets
    return Promise.all(
      secrets.map(async ({ salt }) =>
        salt.length === 0 ? crypto.sha256(text) : crypto.hmac(salt, text),
      ),
    )
  }
}
