import { StoreError } from '../errors.ts'
import type { Cas } from './client.ts'

/** What a wire may send at most. */
export interface Limits {
  readonly maxValueBytes: number
  readonly maxTtl: number
}

/** Why a command must not be sent, found before a byte of it is; `undefined`: it may. */
export function wrongWith(
  { maxValueBytes, maxTtl }: Limits,
  key: string,
  ttl?: number,
  value?: Uint8Array,
  cas?: Cas,
): StoreError | undefined {
  if (!isKey(key)) {
    return config('A key must be 1 to 250 printable ASCII characters without space')
  }
  if (ttl !== undefined && !(ttl >>> 0 === ttl && ttl <= maxTtl)) {
    return config(`A ttl must be a whole number from 0 to ${maxTtl}`)
  }
  if (cas !== undefined && (cas.length !== 8 || isZero(cas))) {
    return config('A cas must be 8 bytes that are not all zero: zero would match any version')
  }
  if (value !== undefined && value.length > maxValueBytes) {
    const sizes = `${value.length} bytes, maxValueBytes is ${maxValueBytes}`
    return new StoreError('too-large', `The record has ${sizes}`, { sent: false })
  }
  return undefined
}

/**
 * memcached hangs up on a key that is too long, on everybody's commands (defect 11), and a line
 * break in one would be a command of its own in the meta protocol.
 */
function isKey(key: string): boolean {
  const { length } = key
  if (length === 0 || length > 250) return false
  for (let at = 0; at < length; at++) {
    const code = key.charCodeAt(at)
    if (code <= 0x20 || code >= 0x7f) return false
  }
  return true
}

/**
 * The cas of a hit, which must not be zero: then any cas would match, and updates would be lost.
 */
export function requireCas(cas: Cas): Cas {
  if (!isZero(cas)) return cas
  const message = 'memcached runs without cas (-C), so updates would be lost: start it without -C'
  throw new StoreError('config', message, { sent: true })
}

/** A copy that lasts, of `bytes` from `start` to `end`. */
export function copyOf(bytes: Buffer, start: number, end: number): Uint8Array {
  const copy = Buffer.allocUnsafe(end - start)
  bytes.copy(copy, 0, start, end)
  return copy
}

function isZero(cas: Cas): boolean {
  for (let at = 0; at < cas.length; at++) if (cas[at] !== 0) return false
  return true
}

function config(message: string): StoreError {
  return new StoreError('config', message, { sent: false })
}
