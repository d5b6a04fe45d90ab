/** Zeros that were not given away yet. */
let free = new Uint8Array(0)

/**
 * A copy that is a part of a larger array, because memory of its own, outside of the heap, takes longer than to encode a
 * record. No byte is given away twice. By its `buffer` others can be read: so it is not for what leaves the process, and
 * not in the pool of Buffers, which all of the process can read.
 */
export function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = bytes
  if (length > free.length) free = new Uint8Array(Math.max(length, 65_536))
  const copy = free.subarray(0, length)
  free = free.subarray(length)
  copy.set(bytes)
  return copy
}
