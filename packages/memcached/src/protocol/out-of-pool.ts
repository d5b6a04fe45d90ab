const encoder = new TextEncoder()

/** For a password: all of the process can read the pool of Buffers, where a short one would lie. */
export function outOfPool(text: string): Buffer {
  return Buffer.from(encoder.encode(text).buffer)
}
