/** What the store knows about one record: its bytes, and the version a later `save` or `delete` can insist on. */
export interface StoredRecord<version = unknown> {
  readonly bytes: Uint8Array
  readonly version: version
}

/** `saved`: done. `conflict`: another writer has changed the record since it was loaded. `missing`: it is gone. */
export type SaveResult = 'saved' | 'conflict' | 'missing'

/** `deleted`: done. `conflict`: the record no longer has the version asked for. `missing`: it is gone. */
export type DeleteResult = 'deleted' | 'conflict' | 'missing'

/**
 * Where records live. There is no `set`: a record comes into being by `create` alone, so a late save
 * cannot bring a destroyed session back.
 *
 * Expected outcomes are values. A rejection means that the store could not be reached or did not
 * answer in time (an outage), and nothing else; the one exception is a fault in the set-up, which
 * rejects with an error whose `code` is one of `StoreFaultCode` and is never treated as an outage.
 *
 * Bytes go in and bytes come out: a store keeps no reference to what it was given and hands out
 * nothing that it still uses. The bytes may be a part of a larger buffer, like those of a Buffer of Node: a store keeps the
 * array's bytes, and neither keeps nor transfers its `buffer`.
 *
 * `expiresAt` is absolute, in milliseconds since 1970. A store may keep a record a little longer
 * (memcached rounds up, and one second more); it must not forget it earlier for that reason.
 */
export interface SessionStore<version = unknown> {
  /** True for records that never leave this process's memory; all others are sealed. Default: false. */
  readonly inProcess?: boolean
  /**
   * Reads a record; with `expiresAt` also moves its expiry, in the same trip (get-and-touch).
   * Moving the expiry does not change the version. `null`: there is no record.
   *
   * `known`: what an earlier `load` of this store gave. A store may give it back if the record still has its version, and
   * so need not send a large record again. Its bytes are not the store's to change. A store that wraps another one passes
   * it on only if both give the same bytes.
   */
  load(id: string, expiresAt?: number, known?: StoredRecord): Promise<StoredRecord<version> | null>
  /** Claims a free id (memcached: `add`). `false`: taken, and nothing was changed. */
  create(id: string, bytes: Uint8Array, expiresAt: number): Promise<boolean>
  /**
   * Replaces the record only while it still has `version` (memcached: `replace` with cas, never
   * `set`). Never creates one.
   *
   * `ends`: the write ends something, as a `delete` does: an old token, or sessions of a subject. A store that can lose
   * acknowledged writes in a failover answers when it cannot lose this one any more, or rejects. Default: false.
   */
  save(
    id: string,
    bytes: Uint8Array,
    expiresAt: number,
    version: version,
    ends?: boolean,
  ): Promise<SaveResult>
  /** Forgets the record; with `version`, only while it still has it. */
  delete(id: string, version?: version): Promise<DeleteResult>
  /**
   * For stores whose connections belong to a request: it is called when a session is opened, and released when it has
   * been committed. Commits of one session are not put together then: each request saves by itself.
   */
  scope?(): StoreScope<version>
}

/** A store with connections of its own, for one request. */
export interface StoreScope<version = unknown> extends Pick<
  SessionStore<version>,
  'load' | 'create' | 'save' | 'delete'
> {
  /** Closes them. A later command connects again. */
  release(): void
}

/**
 * `code` of a rejection that is not an outage: `config`, the store is set up wrongly (memcached runs
 * with `-C`, or does not speak the protocol); `auth`, it refuses our credentials; `too-large`, it takes no
 * record of this size. They are thrown on to the caller instead of being taken for an outage.
 */
export type StoreFaultCode = 'config' | 'auth' | 'too-large'
