import { StoreError } from '../errors.ts'

/** More seconds than this, 30 days, memcached takes for a Unix time. */
const longest = 2_592_000

/** A Unix time in January 1970: memcached takes the record, and never shows it. */
const past = longest + 1

/**
 * January 2038: the meta protocol takes signed numbers of 32 bits, and what is above for the past.
 */
const last = 2 ** 31 - 1

/**
 * What memcached is told so that it keeps a record until `expiresAt`, both in milliseconds since
 * 1970: seconds from now, or from 30 days on a Unix time in seconds.
 *
 * Rounded up, and a second more: memcached's clock ticks once a second, so a ttl of 1 lives for
 * anything from 0 to 1 s. A time that is over gives a record that is over.
 * @throws {StoreError} `config`, when `expiresAt` is not a finite number.
 */
export function exptime(expiresAt: number, now: number): number {
  if (!Number.isFinite(expiresAt)) {
    throw new StoreError('config', 'expiresAt must be a finite number of ms', { sent: false })
  }
  if (expiresAt <= now) return past
  const seconds = Math.ceil((expiresAt - now) / 1000) + 1
  if (seconds <= longest) return seconds
  return Math.min(Math.ceil(expiresAt / 1000) + 1, last)
}
