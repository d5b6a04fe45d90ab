const encoder = new TextEncoder()

/** The UTF-8 of a password, outside the Buffer pool, which the whole process can read. */
export function outOfPool(text: string): Buffer {
  return Buffer.from(encoder.encode(text).buffer)
}
