import { randomFill } from 'node:crypto'
import type { LookupAddress } from 'node:dns'
import { StoreError } from '@coatcheck/core/remote'

/** Resolves a host name like `dns.lookup` with `all`. */
export type Lookup = (
  host: string,
  options: { readonly all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Resolves a host name. `onStart` is called when the process has a free thread for it: `dns.lookup` shares four threads
 * with `crypto`, `fs` and `zlib`, and time during which they are all busy must not count against the server.
 */
export function resolve(
  host: string,
  lookup: Lookup,
  onStart: () => void,
  callback: (error: Error | null, addresses: readonly string[]) => void,
): void {
  // The threads take their work in order, so this ends at about the time at which the lookup begins.
  randomFill(new Uint8Array(1), onStart)
  lookup(host, { all: true }, (error, found) => {
    callback(error, error === null ? [...new Set(found.map(({ address }) => address))] : [])
  })
}

/**
 * Returns the addresses if they can belong to one server: at most one per family. Otherwise each connection would reach
 * a different server.
 *
 * @throws {StoreError} `config`
 */
export function ofOneServer(host: string, addresses: readonly string[]): readonly string[] {
  const families = addresses.map((address) => address.includes(':'))
  if (new Set(families).size === addresses.length) return addresses
  const message =
    `${host} has ${addresses.length} addresses (${addresses.join(', ')}). If they are servers, list ` +
    'each of them in `servers`, by its own name. If any of them will do, because they are proxies of ' +
    'the same servers, set `proxy: true`'
  throw new StoreError('config', message, { sent: false })
}
