import { randomFill } from 'node:crypto'
import type { LookupAddress } from 'node:dns'
import { StoreError } from '@coatcheck/core/remote'

/** Resolves a host name as `dns.lookup` does with `all`. */
export type Lookup = (
  host: string,
  options: { readonly all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

/**
 * The addresses of a host name. `onStart` is called when the process has a thread for the work:
 * `dns.lookup` shares four threads with `crypto`, `fs` and `zlib`, and while they are busy, no time
 * has passed in which the server could have been found.
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
 * The addresses, if they can be those of one server: at most one of each family. Else a session
 * would be on another server with each connection.
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
