import { StoreError } from '@coatcheck/core/remote'

/** 30 days. memcached reads a larger number as a Unix time. */
const longestRelative = 2_592_000

/** A Unix time in January 1970: memcached accepts the record and never returns it. */
const past = longestRelative + 1

/**
 * January 2038: the meta protocol reads signed 32-bit numbers, and treats a larger one as the past.
 */
const latest = 2 ** 31 - 1

/**
 * The `exptime` that makes memcached keep a record until `expiresAt` (both arguments in
 * milliseconds since 1970): seconds from now, or a Unix time in seconds above 30 days.
 *
 * Rounded up, plus one second: memcached's clock ticks once a second, so a ttl of 1 lasts anything
 * from 0 to 1 s. A time in the past gives a record that has expired.
 * @throws {StoreError} `config`, if `expiresAt` is not a finite number.
 */
export function exptime(expiresAt: number, now: number): number {
  if (!Number.isFinite(expiresAt)) {
    throw new StoreError('config', 'expiresAt must be a finite number of ms', { sent: false })
  }
  if (expiresAt <= now) return past
  const seconds = Math.ceil((expiresAt - now) / 1000) + 1
  if (seconds <= longestRelative) return seconds
  return Math.min(Math.ceil(expiresAt / 1000) + 1, latest)
}
