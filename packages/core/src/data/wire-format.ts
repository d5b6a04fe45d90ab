/** The maximum nesting of containers in a value, for encoding and decoding. */
export const maxDepth = 64

/**
 * Extension types for values that MessagePack lacks; -1 is its own timestamp. Bytes use an extension instead of `bin`,
 * because the decoder returns views of its input for `bin`, and changing such a view in place would change the snapshot
 * that it is compared with.
 */
export const extension = {
  date: -1,
  undefined: 1,
  bigint: 2,
  map: 3,
  set: 4,
  bytes: 5,
  negativeZero: 6,
} as const

/**
 * Whether `bytes` are exactly one MessagePack value that is safe to decode: every announced length fits into the
 * remaining bytes, and containers nest at most `maxDepth` deep. Otherwise five bytes could announce an array of 2^32
 * elements, which a decoder would allocate before reading them.
 *
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export function isWellFormed(bytes: Uint8Array): boolean {
  return endOfValue(bytes, 0, bytes.length, 0) === bytes.length
}

const damaged = -1

/** The end of the value that starts at `at`; `damaged` if it does not end by `end`. */
function endOfValue(bytes: Uint8Array, at: number, end: number, depth: number): number {
  if (at >= end || depth > maxDepth) return damaged
  const head = bytes[at] as number
  const next = at + 1
  if (head <= 0x7f || head >= 0xe0) return next
  if (head <= 0x8f) return endOfValues(bytes, next, end, (head & 0x0f) * 2, depth)
  if (head <= 0x9f) return endOfValues(bytes, next, end, head & 0x0f, depth)
  if (head <= 0xbf) return skip(next, end, head & 0x1f)
  switch (head) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return next
    case 0xc4:
    case 0xd9:
      return skip(next + 1, end, unsigned(bytes, next, end, 1))
    case 0xc5:
    case 0xda:
      return skip(next + 2, end, unsigned(bytes, next, end, 2))
    case 0xc6:
    case 0xdb:
      return skip(next + 4, end, unsigned(bytes, next, end, 4))
    case 0xc7:
      return endOfExtension(bytes, next + 1, end, unsigned(bytes, next, end, 1), depth)
    case 0xc8:
      return endOfExtension(bytes, next + 2, end, unsigned(bytes, next, end, 2), depth)
    case 0xc9:
      return endOfExtension(bytes, next + 4, end, unsigned(bytes, next, end, 4), depth)
    case 0xca:
    case 0xce:
    case 0xd2:
      return skip(next, end, 4)
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return skip(next, end, 8)
    case 0xcc:
    case 0xd0:
      return skip(next, end, 1)
    case 0xcd:
    case 0xd1:
      return skip(next, end, 2)
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return endOfExtension(bytes, next, end, 1 << (head - 0xd4), depth)
    case 0xdc:
      return endOfValues(bytes, next + 2, end, unsigned(bytes, next, end, 2), depth)
    case 0xdd:
      return endOfValues(bytes, next + 4, end, unsigned(bytes, next, end, 4), depth)
    case 0xde:
      return endOfValues(bytes, next + 2, end, unsigned(bytes, next, end, 2) * 2, depth)
    case 0xdf:
      return endOfValues(bytes, next + 4, end, unsigned(bytes, next, end, 4) * 2, depth)
    default:
      return damaged
  }
}

/** A big-endian number of `size` bytes; Infinity if it is truncated, so that every length check fails. */
function unsigned(bytes: Uint8Array, at: number, end: number, size: number): number {
  if (at + size > end) return Infinity
  let value = 0
  for (let i = 0; i < size; i++) value = value * 256 + (bytes[at + i] as number)
  return value
}

function skip(at: number, end: number, length: number): number {
  return at + length <= end ? at + length : damaged
}

function endOfValues(
  bytes: Uint8Array,
  from: number,
  end: number,
  count: number,
  depth: number,
): number {
  if (from + count > end) return damaged
  let at = from
  for (let i = 0; i < count; i++) {
    at = endOfValue(bytes, at, end, depth + 1)
    if (at === damaged) return damaged
  }
  return at
}

function endOfExtension(
  bytes: Uint8Array,
  at: number,
  end: number,
  length: number,
  depth: number,
): number {
  const from = at + 1
  const to = skip(from, end, length)
  const type = bytes[at]
  if (to === damaged || (type !== extension.map && type !== extension.set)) return to
  // The inner array is on the same level as its Map or Set. Anything else would escape the depth count.
  return isArray(bytes[from]) && endOfValue(bytes, from, to, depth) === to ? to : damaged
}

function isArray(head = 0): boolean {
  return (head >= 0x90 && head <= 0x9f) || head === 0xdc || head === 0xdd
}
