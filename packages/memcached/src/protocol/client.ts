/** memcached's cas value: 8 opaque bytes. A JavaScript number could not distinguish 2^53 from 2^53 + 1. */
export type Cas = Uint8Array

/** A record as a server has it. */
export interface Hit {
  readonly value: Uint8Array
  readonly cas: Cas
}

/**
 * The commands of one server, in any protocol: the boundary between the store, which knows ids and lifetimes, and the
 * connection, which knows bytes and sockets.
 *
 * Keys are printable ASCII of at most 250 bytes. `ttl` is memcached's `exptime`: whole seconds, or a Unix time above 30
 * days. A miss is a value. A rejection is always a `StoreError`. A client never sends a command twice.
 */
export interface Client {
  /**
   * Reads. With `ttl` it also sets the expiry in the same command; the cas stays the same. `known` is an earlier hit,
   * which may be returned if the record still has its cas.
   */
  get(key: string, ttl?: number, known?: Hit): Promise<Hit | null>
  /** Stores only if the key is free. `false`: it is taken. */
  add(key: string, value: Uint8Array, ttl: number): Promise<boolean>
  /** Overwrites only a record that still has `cas`. */
  replace(
    key: string,
    value: Uint8Array,
    ttl: number,
    cas: Cas,
  ): Promise<'saved' | 'conflict' | 'missing'>
  /** Deletes. With `cas`, only a record that still has it. */
  delete(key: string, cas?: Cas): Promise<'deleted' | 'conflict' | 'missing'>
  /** Connects if necessary, and rejects if the server does not answer or refuses the login. */
  check(): Promise<void>
  /** Closes the connection for good: every later command rejects. */
  close(): void
}
