import type { Allocate } from './arena.ts'

/** Bytes outside shared memory, as Web Crypto requires. */
export type Bytes = Uint8Array<ArrayBuffer>

/** A key for `seal` and `open`, opaque to callers. */
export type SealKey = object

/** Bytes that are kept to compare others with. */
export type Kept = Uint8Array | string

/** Synchronous, or a promise if the runtime has only that. */
export type Eventually<value> = value | Promise<value>

/**
 * All cryptography of the core. There are two implementations, chosen by the `imports` conditions of package.json:
 * `primitives-node` (node:crypto, synchronous: Node, Bun, Deno, workerd) and `primitives-web` (Web Crypto, everywhere
 * else). Both pass the same known-answer tests.
 */
export interface Crypto {
  /**
   * Zeroed memory for sealed records and their authenticated data. On Node, it comes from an arena used only for these.
   */
  readonly allocate: Allocate
  /**
   * A copy of bytes for later comparison. On Node, small ones become a string with one character per byte, because an
   * array would need memory outside the heap.
   */
  readonly keep: (bytes: Uint8Array) => Kept
  /** Whether two values of equal length have the same bytes. */
  readonly isSame: (left: Kept, right: Uint8Array) => boolean
  /** Bytes as base64url without padding (RFC 4648 section 5). */
  readonly base64url: (bytes: Uint8Array) => string
  /** The SHA-256 (FIPS 180-4) of a text in UTF-8, as 43 base64url characters. */
  readonly digest: (text: string) => Eventually<string>
  /** SHA-256. */
  readonly sha256: (bytes: Bytes) => Eventually<Bytes>
  /** HMAC-SHA-256 (RFC 2104). The key must not be empty. */
  readonly hmac: (key: Bytes, bytes: Bytes) => Eventually<Bytes>
  /** Derives a 256-bit key with HKDF-SHA-256 (RFC 5869). */
  readonly deriveKey: (material: Bytes, salt: Bytes, info: Bytes) => Eventually<SealKey>
  /**
   * AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce. Writes the ciphertext and a 128-bit tag to the end of `whole`.
   */
  readonly seal: (
    key: SealKey,
    nonce: Bytes,
    plain: Bytes,
    extra: Bytes,
    whole: Bytes,
  ) => Eventually<void>
  /** The reverse of `seal`, with its own memory; `null` if anything was changed. */
  readonly open: (
    key: SealKey,
    nonce: Bytes,
    sealed: Bytes,
    extra: Bytes,
  ) => Eventually<Bytes | null>
}
