import type { DeleteResult, SaveResult, SessionStore, StoredRecord } from '@coatcheck/core'
import { refuseOptionOf, refuseUnknownOf, StoreError } from '@coatcheck/core/remote'
import { depart, ended, isEnded, isSame, readDeparted } from './frames.ts'
import type { Departed } from './frames.ts'

export interface MovingOptions {
  /** The store that has the sessions. */
  readonly from: SessionStore
  /** The store that they go to. */
  readonly to: SessionStore
  /**
   * Whether this process begins sessions in the new store, and brings over those that it saves. Set it to false until every
   * process reads both stores, then to true.
   */
  readonly isMoving: boolean
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
}

/** Where a record was found, and its version there. */
export interface Place {
  readonly isNew: boolean
  readonly version: unknown
}

/** Milliseconds that an ended record keeps its place: longer than a command may be under way. */
const graveLife = 5 * 60_000

const maxTries = 16

/**
 * A store on two others, which moves sessions from one to the other without ending any. The old store has the say while it has
 * a record. A save makes it one that no process changes any more, which is then copied to the new store, and deleted.
 * @throws {SessionError} `invalid-option`, naming the option that is wrong.
 */
export function movingStore(options: MovingOptions): SessionStore<Place> {
  check(options)
  const { from, to, isMoving, now = () => Date.now() } = options
  const moving = new Moving(from, to, isMoving, now)
  return {
    load: (id, expiresAt) => moving.load(id, expiresAt),
    create: (id, bytes, expiresAt) => moving.create(id, bytes, expiresAt),
    save: (id, bytes, expiresAt, place, ends) => moving.save(id, bytes, expiresAt, place, ends),
    delete: (id, place) => moving.delete(id, place),
  }
}

class Moving {
  readonly #from: SessionStore
  readonly #to: SessionStore
  readonly #isMoving: boolean
  readonly #now: () => number

  constructor(from: SessionStore, to: SessionStore, isMoving: boolean, now: () => number) {
    this.#from = from
    this.#to = to
    this.#isMoving = isMoving
    this.#now = now
  }

  /** First the old store: what is in neither of them then has not been moved in between. */
  async load(id: string, expiresAt?: number): Promise<StoredRecord<Place> | null> {
    const old = await this.#from.load(id, expiresAt)
    if (old === null) return this.#loadNew(id, expiresAt)
    const departed = readDeparted(old.bytes)
    if (departed === null) {
      return { bytes: old.bytes, version: { isNew: false, version: old.version } }
    }
    await this.#bring(id, departed, old)
    return this.#loadNew(id, expiresAt)
  }

  async create(id: string, bytes: Uint8Array, expiresAt: number): Promise<boolean> {
    const isCreated = this.#isMoving
      ? await this.#createNew(id, bytes, expiresAt)
      : await this.#from.create(id, bytes, expiresAt)
    if (!isCreated) return false
    // A process of the other kind may have begun the same list in the other store.
    const twin = this.#isMoving ? await this.#from.load(id) : await this.#loadNew(id)
    if (twin === null) return true
    const own = this.#isMoving ? this.#to : this.#from
    const there = await own.load(id)
    if (there !== null && isSame(there.bytes, bytes)) await own.delete(id, there.version)
    return false
  }

  async save(
    id: string,
    bytes: Uint8Array,
    expiresAt: number,
    { isNew, version }: Place,
    ends?: boolean,
  ): Promise<SaveResult> {
    if (isNew) {
      const saved = await this.#to.save(id, bytes, expiresAt, version, ends)
      return saved === 'conflict' ? this.#missed(id) : saved
    }
    const value = this.#isMoving ? depart({ bytes, expiresAt }) : bytes
    const saved = await this.#from.save(id, value, expiresAt, version, ends)
    if (saved === 'missing') return this.#missed(id)
    // It is saved. What cannot be brought over now is brought by the next load.
    if (saved === 'saved' && this.#isMoving) await this.load(id).catch(() => {})
    return saved
  }

  async delete(id: string, place?: Place): Promise<DeleteResult> {
    if (place === undefined) return this.#deleteAnywhere(id)
    if (place.isNew) {
      const ending = await this.#end(id, place.version)
      return ending === 'conflict' ? this.#missed(id) : ending
    }
    const deleted = await this.#from.delete(id, place.version)
    return deleted === 'missing' ? this.#missed(id) : deleted
  }

  async #loadNew(id: string, expiresAt?: number): Promise<StoredRecord<Place> | null> {
    const found = await this.#to.load(id, expiresAt)
    if (found === null || isEnded(found.bytes)) return null
    return { bytes: found.bytes, version: { isNew: true, version: found.version } }
  }

  /** What the old store does not have any more may be in the new one; what has another version there may have ended. */
  async #missed(id: string): Promise<'missing' | 'conflict'> {
    return (await this.#loadNew(id)) === null ? 'missing' : 'conflict'
  }

  async #createNew(id: string, bytes: Uint8Array, expiresAt: number): Promise<boolean> {
    if (await this.#to.create(id, bytes, expiresAt)) return true
    const there = await this.#to.load(id)
    if (there === null || !isEnded(there.bytes)) return false
    return (await this.#to.save(id, bytes, expiresAt, there.version)) === 'saved'
  }

  /** Copies a record that no process changes any more, once, however many do it. */
  async #bring(id: string, departed: Departed, old: StoredRecord): Promise<void> {
    const { bytes, expiresAt } = departed
    if (!(await this.#to.create(id, bytes, expiresAt))) {
      const there = await this.#to.load(id)
      // Either the one that ended is this one, which is gone then, or the record was created anew.
      if (there !== null && isEnded(there.bytes) && (await this.#isStillThere(id, old))) {
        await this.#to.save(id, bytes, expiresAt, there.version)
      }
    }
    await this.#from.delete(id, old.version)
  }

  async #isStillThere(id: string, { bytes }: StoredRecord): Promise<boolean> {
    const again = await this.#from.load(id)
    return again !== null && isSame(again.bytes, bytes)
  }

  async #deleteAnywhere(id: string): Promise<DeleteResult> {
    const first = await this.#from.delete(id)
    for (let tries = 0; tries < maxTries; tries++) {
      const there = await this.#to.load(id)
      if (there === null) {
        if (await this.#to.create(id, ended, this.#now() + graveLife)) return first
        continue
      }
      const result = await this.#end(id, there.version)
      if (result !== 'deleted') continue
      return isEnded(there.bytes) ? first : result
    }
    const message = 'Other processes change the record all the time'
    throw new StoreError('unavailable', message, { sent: true, answered: true })
  }

  async #end(id: string, version: unknown): Promise<DeleteResult> {
    const until = this.#now() + graveLife
    const saved = await this.#to.save(id, ended, until, version, true)
    return saved === 'saved' ? 'deleted' : saved
  }
}

function check(options: MovingOptions): void {
  const refuse = (name: string, what: string): never => refuseOptionOf('movingStore', name, what)
  if (typeof options !== 'object' || options === null) refuse('options', 'must be an object')
  refuseUnknownOf('movingStore', '', options, ['from', 'to', 'isMoving', 'now'])
  for (const name of ['from', 'to'] as const) {
    if (typeof options[name]?.load !== 'function') refuse(name, 'must be a store')
  }
  if (options.from === options.to) refuse('to', 'must be another store than from')
  if (typeof options.isMoving !== 'boolean') refuse('isMoving', 'must be true or false')
  if (options.now !== undefined && typeof options.now !== 'function') {
    refuse('now', 'must be a function that returns milliseconds')
  }
}
