import type {
  DeleteResult,
  SaveResult,
  SessionStore,
  StoredRecord,
  StoreScope,
} from '@coatcheck/core'
import { refuseOptionOf, refuseUnknownOf } from '@coatcheck/core/remote'
import { changing, isFree, maxTries, onePlace, putUnderClaim } from './claimed-place.ts'
import { depart, isClaim, isSame, readDeparted } from './frames.ts'
import type { Departed } from './frames.ts'

export interface MovingOptions {
  /** The old store, which has the sessions. */
  readonly from: SessionStore
  /** The new store. */
  readonly to: SessionStore
  /**
   * Whether this process creates sessions in the new store, and moves the sessions that it saves. Set it to false until
   * every process uses `movingStore`, then to true.
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

/**
 * A store that moves sessions from one store to another without ending them. As long as the old store has a record,
 * that record counts. A save freezes it, so that no process changes it any more, copies it to the new store, and
 * deletes it.
 * @throws {SessionError} `invalid-option`, naming the option that is wrong.
 */
export function movingStore(options: MovingOptions): SessionStore<Place> {
  check(options)
  const { from, to, isMoving, now = () => Date.now() } = options
  const operations = (old: Records, next: Records): Records<Place> => {
    const moving = new Moving(old, next, isMoving, now)
    return {
      load: (id, expiresAt) => moving.load(id, expiresAt),
      create: (id, bytes, expiresAt) => moving.create(id, bytes, expiresAt),
      save: (id, bytes, expiresAt, place, ends) => moving.save(id, bytes, expiresAt, place, ends),
      delete: (id, place) => moving.delete(id, place),
    }
  }
  if (from.scope === undefined && to.scope === undefined) return operations(from, to)
  const scope = (): StoreScope<Place> => {
    const [old, next] = [from.scope?.(), to.scope?.()]
    const release = (): void => {
      old?.release()
      next?.release()
    }
    return { ...operations(old ?? from, next ?? to), release }
  }
  return { ...operations(from, to), scope }
}

type Records<version = unknown> = Pick<SessionStore<version>, 'load' | 'create' | 'save' | 'delete'>

class Moving {
  readonly #from: Records
  readonly #to: Records
  readonly #isMoving: boolean
  readonly #now: () => number

  constructor(from: Records, to: Records, isMoving: boolean, now: () => number) {
    this.#from = from
    this.#to = to
    this.#isMoving = isMoving
    this.#now = now
  }

  /** Reads the old store first: a record that is in neither store then cannot have moved between the reads. */
  async load(id: string, expiresAt?: number): Promise<StoredRecord<Place> | null> {
    const old = await this.#settled(id, expiresAt)
    if (old !== null) return { bytes: old.bytes, version: { isNew: false, version: old.version } }
    const found = await this.#to.load(id, expiresAt)
    if (found === null || isClaim(found.bytes)) return null
    return { bytes: found.bytes, version: { isNew: true, version: found.version } }
  }

  /** A process with the other `isMoving` may create the same list in the other store. */
  async create(id: string, bytes: Uint8Array, expiresAt: number): Promise<boolean> {
    const [own, other] = this.#isMoving ? [this.#to, this.#from] : [this.#from, this.#to]
    const put = await putUnderClaim(own, id, { bytes, expiresAt }, this.#now(), (claim) =>
      isFree(other, id, claim),
    )
    return put === 'put'
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
    // The record is saved. If copying fails now, the next load does it.
    if (saved === 'saved' && this.#isMoving) await this.#settled(id).catch(() => {})
    return saved
  }

  async delete(id: string, place?: Place): Promise<DeleteResult> {
    if (place === undefined) {
      // In the order in which records move.
      const old = await this.#from.delete(id)
      const next = await this.#to.delete(id)
      return old === 'deleted' ? old : next
    }
    const deleted = await (place.isNew ? this.#to : this.#from).delete(id, place.version)
    const isElsewhere = deleted === (place.isNew ? 'conflict' : 'missing')
    return isElsewhere ? this.#missed(id) : deleted
  }

  /**
   * A record that is gone from the old store may be in the new one; one with another version in the new store may have
   * ended.
   */
  async #missed(id: string): Promise<'missing' | 'conflict'> {
    const found = await this.#to.load(id)
    return found === null || isClaim(found.bytes) ? 'missing' : 'conflict'
  }

  /** The old store's record, after copying one that is moving. `null`: if there is a record, it is in the new store. */
  async #settled(id: string, expiresAt?: number): Promise<StoredRecord | null> {
    for (let tries = 0; tries < maxTries; tries++) {
      const old = await this.#from.load(id, expiresAt)
      if (old === null || isClaim(old.bytes)) return null
      const departed = readDeparted(old.bytes)
      if (departed === null) return old
      try {
        // The old store may have recorded uses since the departure.
        const until = Math.max(departed.expiresAt, expiresAt ?? 0)
        if (await this.#bring(id, { ...departed, expiresAt: until }, old)) return null
      } catch (error) {
        if ((error as { code?: unknown } | null)?.code !== 'too-large') throw error
        // The new store then has no copy, and gets one when the record is smaller.
        return { bytes: departed.bytes, version: old.version }
      }
    }
    throw changing()
  }

  /** Copies a frozen record exactly once, however many processes try. `false`: read the old store again. */
  async #bring(id: string, departed: Departed, old: StoredRecord): Promise<boolean> {
    const isStillThere = async (): Promise<boolean> => {
      const again = await this.#from.load(id)
      return again !== null && isSame(again.bytes, old.bytes)
    }
    const put = await putUnderClaim(this.#to, id, departed, this.#now(), isStillThere)
    // Nothing departs from a store that records are moved to.
    if (put === 'departed') throw onePlace()
    if (put === 'refused' || put === 'lost') return false
    // With another version, it is another record, which has not been copied.
    return (await this.#from.delete(id, old.version)) !== 'conflict'
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
