import { StoreError } from '@coatcheck/core/remote'
import type { Cas } from './client.ts'
import { isZero } from './create-hit.ts'

/** The limits of a client's commands. */
export interface CommandLimits {
  readonly maxValueBytes: number
  readonly maxTtl: number
}

/** Why a command must not be sent; `undefined` if it may be. */
export function checkCommand(
  { maxValueBytes, maxTtl }: CommandLimits,
  key: string,
  ttl?: number,
  value?: Uint8Array,
  cas?: Cas,
): StoreError | undefined {
  if (!isKey(key)) {
    return config('A key must be 1 to 250 printable ASCII characters without spaces')
  }
  if (ttl !== undefined && !(ttl >>> 0 === ttl && ttl <= maxTtl)) {
    return config(`A ttl must be a whole number from 0 to ${maxTtl}`)
  }
  if (cas !== undefined && (cas.length !== 8 || isZero(cas))) {
    return config('A cas must be 8 bytes that are not all zero: zero would match any version')
  }
  if (value !== undefined && value.length > maxValueBytes) {
    const message = `The record has ${value.length} bytes, but maxValueBytes is ${maxValueBytes}`
    return new StoreError('too-large', message, { sent: false })
  }
  return undefined
}

/**
 * memcached closes the connection on a key that is too long, which fails the commands of other
 * requests (defect 11). In the meta protocol, a line break in a key would start another command.
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

function config(message: string): StoreError {
  return new StoreError('config', message, { sent: false })
}
