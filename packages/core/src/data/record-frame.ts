import { Decoder, Encoder } from '@msgpack/msgpack'
import { createArena, takeOut } from '../crypto/arena.ts'
import { isWellFormed } from './wire-format.ts'

const encoder = new Encoder()
const decoder = new Decoder()
/** No store gets a part of it. */
const allocate = createArena()

/** MessagePack of a record's frame: an array of numbers, texts, bytes and maps of bytes. */
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

/** Bytes that a decoded frame with so many keys takes beside the bytes it was decoded from, about: on Node 24. */
export function memoryOf(keys: number): number {
  return 1024 + 256 * keys
}
