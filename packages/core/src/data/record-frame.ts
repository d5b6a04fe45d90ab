import { Decoder, Encoder } from '@msgpack/msgpack'
import { createArena, takeOut } from '../crypto/arena.ts'
import { isWellFormed } from './wire-format.ts'

const encoder = new Encoder()
const decoder = new Decoder()
/** Frames are internal: no store gets a view of this memory. */
const allocate = createArena()

/** MessagePack of a record's frame: an array of numbers, strings, bytes and maps of bytes. */
export function encodeFrame(frame: readonly unknown[]): Uint8Array {
  return takeOut(allocate, encoder.encodeSharedRef(frame))
}

/** The frame, or `null` if the bytes are not well formed. */
export function decodeFrame(bytes: Uint8Array): readonly unknown[] | null {
  try {
    const frame: unknown = isWellFormed(bytes) ? decoder.decode(bytes) : null
    return Array.isArray(frame) ? (frame as unknown[]) : null
  } catch {
    return null
  }
}

/** The approximate memory of a decoded frame with this many keys, besides its source bytes. Measured on Node 24. */
export function memoryOf(keys: number): number {
  return 1024 + 256 * keys
}
