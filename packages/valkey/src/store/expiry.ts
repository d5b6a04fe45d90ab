import { StoreError } from '@coatcheck/core/remote'

/** 285 years. The server refuses values that do not fit into 64 bits of milliseconds. */
const longest = 2 ** 43

/**
 * The expiry arguments that make the server keep a record until `expiresAt` (both arguments in milliseconds since
 * 1970): milliseconds from now, so that the server's clock does not matter. A time in the past stays one, so the record
 * is never seen.
 *
 * @throws {StoreError} `config`, if `expiresAt` is not a finite number.
 */
export function expiry(expiresAt: number, now: number): readonly ['px' | 'pxat', string] {
  if (!Number.isFinite(expiresAt)) {
    throw new StoreError('config', 'expiresAt must be a finite number of ms', { sent: false })
  }
  if (expiresAt <= now) return ['pxat', '1']
  return ['px', String(Math.min(Math.ceil(expiresAt - now), longest))]
}
