import type { Allocate } from './arena.ts'

/** Bytes in no shared memory, as Web Crypto wants them. */
export type Bytes = Uint8Array<ArrayBuffer>

/** A key for `seal` and `open`; what it is, is the implementation's affair. */
export type SealKey = object

/** Bytes that are kept to compare others with. */
export type Kept = Uint8Array | string

/** At once, or where the runtime has only that, later. */
export type Eventually<value> = value | Promise<value>

/**
 * All the cryptography there is. Two implementations, chosen by the `imports` conditions of package.json:
 * `primitives-node` (node:crypto, synchronous: Node, Bun, Deno, workerd) and `primitives-web` (Web Crypto:
 * everywhere else). Both pass the same known-answer vectors.
 */
export interface Crypto {
  /** Zeros, for a sealed record and the data authenticated with it. On Node they come from an arena for these alone. */
  readonly allocate: Allocate
  /**
   * A copy of bytes, to compare others with later. On Node a small one is text, a character a byte: an array would have
   * memory outside of the heap.
   */
  readonly keep: (bytes: Uint8Array) => Kept
  /** Whether two of one length hold the same bytes. */
  readonly isSame: (left: Kept, right: Uint8Array) => boolean
  /** Bytes as base64url without padding (RFC 4648 section 5). */
  readonly base64url: (bytes: Uint8Array) => string
  /** SHA-256 (FIPS 180-4) of a text's UTF-8, as 43 base64url characters. */
  readonly digest: (text: string) => Eventually<string>
  /** SHA-256. */
  readonly sha256: (bytes: Bytes) => Eventually<Bytes>
  /** HMAC-SHA-256 (RFC 2104). The key must not be empty. */
  readonly hmac: (key: Bytes, bytes: Bytes) => Eventually<Bytes>
  /** A key of 256 bits by HKDF-SHA-256 (RFC 5869). */
  readonly deriveKey: (material: Bytes, salt: Bytes, info: Bytes) => Eventually<SealKey>
  /**
   * AES-256-GCM (NIST SP 800-38D) with a nonce of 96 bits. Writes the ciphertext, and a tag of 128 bits, to the end of
   * `whole`.
   */
  readonly seal: (
    key: SealKey,
    nonce: Bytes,
    plain: Bytes,
    extra: Bytes,
    whole: Bytes,
  ) => Eventually<void>
  /** The reverse, in memory of its own; `null` when anything was changed. */
  readonly open: (
    key: SealKey,
    nonce: Bytes,
    sealed: Bytes,
    extra: Bytes,
  ) => Eventually<Bytes | null>
}
