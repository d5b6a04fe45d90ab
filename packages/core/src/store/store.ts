/** One record: its bytes, and its version for a later `save` or `delete`. */
export interface StoredRecord<version = unknown> {
  readonly bytes: Uint8Array
  readonly version: version
}

/** `saved`: done. `conflict`: another writer has changed the record since it was loaded. `missing`: it is gone. */
export type SaveResult = 'saved' | 'conflict' | 'missing'

/** `deleted`: done. `conflict`: the record no longer has the version asked for. `missing`: it is gone. */
export type DeleteResult = 'deleted' | 'conflict' | 'missing'

/**
 * A store of records. There is no `set`: only `create` makes a record, so a late save cannot bring a destroyed session
 * back.
 *
 * Expected outcomes are values. A rejection means an outage: the store could not be reached, or did not answer in time.
 * The only exception is an error whose `code` is a `StoreFaultCode`, which is never treated as an outage.
 *
 * A store must copy bytes: it keeps no reference to an array that it was given, and returns no array that it still
 * uses. An array can be a view of a larger buffer, like a Buffer of Node: use only its own bytes, and do not transfer
 * its `buffer`.
 *
 * `expiresAt` is in milliseconds since 1970. A store may round it up (memcached keeps a record up to two seconds
 * longer), but must not round it down.
 */
export interface SessionStore<version = unknown> {
  /** Whether records never leave the memory of this process. If not, they are sealed. Default: false. */
  readonly inProcess?: boolean
  /**
   * Reads a record, or resolves with `null` if there is none. With `expiresAt` it also sets the expiry, in the same
   * trip (get-and-touch), which does not change the version.
   *
   * `known`: the result of an earlier `load` of this store. A store may return it if the record still has that version,
   * to save the transfer of a large record. It must not change those bytes. A store that wraps another one may pass
   * `known` on only if both return the same bytes.
   */
  load(id: string, expiresAt?: number, known?: StoredRecord): Promise<StoredRecord<version> | null>
  /** Creates a record (memcached: `add`). Resolves with `false`, and changes nothing, if the id is taken. */
  create(id: string, bytes: Uint8Array, expiresAt: number): Promise<boolean>
  /**
   * Replaces the record if it still has `version` (memcached: `replace` with cas, never `set`). Never creates a record.
   *
   * `ends`: the write ends an old token or sessions of a subject, like a `delete`. A store that can lose acknowledged
   * writes in a failover must wait until it can no longer lose this write, or reject. Default: false.
   */
  save(
    id: string,
    bytes: Uint8Array,
    expiresAt: number,
    version: version,
    ends?: boolean,
  ): Promise<SaveResult>
  /** Deletes the record; with `version`, only if the record still has it. */
  delete(id: string, version?: version): Promise<DeleteResult>
  /**
   * For stores whose connections belong to one request. It is called when a session is loaded, and the result is
   * released after the commit. With it, each request saves separately: commits of one session are not combined.
   */
  scope?(): StoreScope<version>
}

/** A store with its own connections, for one request. */
export interface StoreScope<version = unknown> extends Pick<
  SessionStore<version>,
  'load' | 'create' | 'save' | 'delete'
> {
  /** Closes the connections. A later command connects again. */
  release(): void
}

/**
 * The `code` of a rejection that is not an outage. `config`: the store is set up wrongly, for example memcached with
 * `-C`. `auth`: the store refuses the credentials. `too-large`: the store does not accept a record of this size. The
 * caller of the core gets the error.
 */
export type StoreFaultCode = 'config' | 'auth' | 'too-large'
