/** The parts of node:crypto and node:buffer that `primitives-node.ts` uses. The core compiles without Node's types. */
declare module 'node:crypto' {
  type Bytes = Uint8Array<ArrayBuffer>

  interface Hasher {
    update(bytes: Bytes): this
    digest(): Bytes
  }
  interface Cipher {
    setAAD(extra: Bytes): this
    update(bytes: Bytes): Bytes
    final(): Bytes
    getAuthTag(): Bytes
    setAuthTag(tag: Bytes): this
  }
  interface TagLength {
    readonly authTagLength: number
  }

  interface KeyObject {
    readonly type: string
  }

  function createSecretKey(bytes: Bytes): KeyObject
  function hash(name: 'sha256', text: string, encoding: 'base64url'): string
  function hash(name: 'sha256', bytes: Bytes, encoding: 'buffer'): Bytes
  function createHmac(name: 'sha256', key: Bytes): Hasher
  function hkdfSync(
    name: 'sha256',
    material: KeyObject,
    salt: Bytes,
    info: Bytes,
    length: number,
  ): ArrayBuffer
  function createCipheriv(name: 'aes-256-gcm', key: KeyObject, nonce: Bytes, tag: TagLength): Cipher
  function createDecipheriv(
    name: 'aes-256-gcm',
    key: KeyObject,
    nonce: Bytes,
    tag: TagLength,
  ): Cipher
}

declare module 'node:buffer' {
  interface Texts {
    toString(encoding: 'latin1' | 'base64url'): string
  }
  const Buffer: {
    /** 0 if equal. */
    compare(left: Uint8Array, right: Uint8Array): number
    from(buffer: ArrayBufferLike, start: number, length: number): Texts
  }
}
