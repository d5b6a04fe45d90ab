import { crypto } from '#crypto'
import type { Bytes } from './primitives.ts'
import { encodeText, encoder } from './encode-text.ts'
import { sameBytes } from './same-bytes.ts'

/** A server secret, with the id under which records name it. */
export interface Secret {
  /** 4 bytes of a hash of the secret; zeros without a secret. */
  readonly keyId: Bytes
  readonly salt: Bytes
}

/** No server secret: the key comes from the token alone. */
export const noSecret: Secret = { keyId: new Uint8Array(4), salt: new Uint8Array(0) }

/** Names a secret by 32 bits of its hash, so that the order of secrets does not matter to old records. */
export async function readSecret(text: string): Promise<Secret> {
  const digest = await crypto.sha256(encodeText('key id', text))
  return { keyId: digest.slice(0, 4), salt: encoder.encode(text) }
}

/** The server's secrets, newest first. Without any it holds `noSecret`. */
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

  /** The newest, if the secrets have been read by now: then nothing has to be waited for. */
  get ready(): Secret | null {
    return this.#ready?.[0] ?? null
  }

  async newest(): Promise<Secret> {
    return (await this.#secrets)[0] as Secret
  }

  /** The secret that a record names; `undefined` if it is not on the ring. */
  async find(keyId: Uint8Array): Promise<Secret | undefined> {
    const secrets = await this.#secrets
    return secrets.find((secret) => sameBytes(secret.keyId, keyId))
  }

  /** An HMAC of a text by each secret, newest first. Without a secret it is a hash. */
  async authenticate(text: Bytes): Promise<readonly Bytes[]> {
    const secrets = await this.#secrets
    return Promise.all(
      secrets.map(async ({ salt }) =>
        salt.length === 0 ? crypto.sha256(text) : crypto.hmac(salt, text),
      ),
    )
  }
}
