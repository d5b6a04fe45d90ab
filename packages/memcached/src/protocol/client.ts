/**
 * memcached's cas value: 8 opaque bytes, never a JavaScript number (2^53 and 2^53 + 1 would be
 * one).
 */
export type Cas = Uint8Array

/** A record as one node has it. */
export interface Hit {
  readonly value: Uint8Array
  readonly cas: Cas
}

/**
 * One memcached node, in one protocol: the narrow waist between the store, which knows about
 * sessions' ids and lifetimes, and the transport, which knows about bytes and sockets.
 *
 * Keys are printable ASCII of at most 250 bytes, checked by the store. `ttl` is what memcached is
 * sent (exptime: whole seconds, or Unix time above 30 days), computed by the store. A miss is a
 * value; a rejection is always a `StoreError`. No command is ever sent twice by a wire.
 */
export interface Wire {
  /** Reads; with `ttl` also moves the expiry in the same command (get-and-touch). The cas stays. */
  get(key: string, ttl?: number): Promise<Hit | null>
  /** Stores only if the key is free. `false`: taken. */
  add(key: string, value: Uint8Array, ttl: number): Promise<boolean>
  /** Stores only over a record that still has `cas`. */
  replace(
    key: string,
    value: Uint8Array,
    ttl: number,
    cas: Cas,
  ): Promise<'saved' | 'conflict' | 'missing'>
  /** Removes; with `cas` only a record that still has it. */
  delete(key: string, cas?: Cas): Promise<'deleted' | 'conflict' | 'missing'>
  /** Connects, if need be, and asks for the version: the node answers, and lets us in. */
  check(): Promise<void>
  /** Ends the connection. Final: every later command rejects. */
  close(): void
}

/** A wire over one connection, made anew when it has ended. */
export interface LineWire extends Wire {
  /** Whether there is a connection, or one is being made. */
  readonly connected: boolean
}
