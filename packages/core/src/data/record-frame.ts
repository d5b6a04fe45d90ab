import { Decoder } from '@msgpack/msgpack'
import { isWellFormed } from './well-formed.ts'

const decoder = new Decoder()

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
