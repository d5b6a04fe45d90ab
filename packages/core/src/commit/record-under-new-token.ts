import type { SessionAddress } from '../crypto/record-address.ts'
import { readEntry } from '../load/read-entry.ts'
import type { LoopStopwatch } from '../loop-stopwatch.ts'
import { givesUp } from '../rules/retry-limits.ts'
import type { Owner, SessionRecord } from '../store/record.ts'
import { delist, makeRoomBeside } from '../subjects/operations.ts'
import { claim, expiryOf } from './claim-token.ts'
import type { CommitContext } from './context.ts'
import { list } from './create.ts'
import type { Write } from './edit.ts'

/** The result of writing the record under the new token. */
type Put = 'done' | 'conflict' | 'unavailable'

/**
 * The record under the new token of a move. No other request knows this token until the move is done. All tries use the
 * same token, unless the store lost the record.
 */
export class RecordUnderNewToken {
  readonly #context: CommitContext
  readonly #mover: Write
  /** The owner for the subject that signs in. */
  readonly #owner: Owner | null
  readonly #startedAt: number
  #isListed = false
  #address: SessionAddress | null = null

  constructor(context: CommitContext, mover: Write, owner: Owner | null) {
    this.#context = context
    this.#mover = mover
    this.#owner = owner
    this.#startedAt = context.now()
  }

  /** `null` while it is not in the store. */
  get address(): SessionAddress | null {
    return this.#address
  }

  /** Turns a record of the old token into one for the new token. */
  recordOf(old: SessionRecord): SessionRecord {
    const now = this.#startedAt
    const moved = { ...old, rotatedAt: now, movingUntil: 0 }
    if (this.#mover.step === 'rotate') return { ...moved, isTokenUnused: true }
    const { restart, root, signIn, offer } = this.#mover.edit
    return {
      ...moved,
      createdAt: restart ? now : old.createdAt,
      renewedAt: now,
      root,
      isTokenUnused: false,
      ...(signIn && { owner: this.#owner, isPersistent: signIn.isPersistent, device: offer }),
    }
  }

  /** Claims a new token, after adding a sign-in to its subject's list. Later calls replace the record. */
  async put(old: SessionRecord, time: LoopStopwatch): Promise<Put> {
    const record = this.recordOf(old)
    if (this.#address !== null) return this.#replace(this.#address, record, time)
    if (!this.#isListed) {
      const listed = await list(this.#context, record, this.#mover.edit.signIn, old.owner)
      if (listed !== 'saved') return listed
      this.#isListed = true
    }
    const claimed = await claim(this.#context, record)
    if (claimed.outcome !== 'created') return claimed.outcome
    this.#address = claimed.address
    return 'done'
  }

  /** Makes room for a sign-in beside the session that it was to replace, which goes on. */
  async makeRoomBeside(): Promise<void> {
    if (this.#owner) await makeRoomBeside(this.#context, this.#owner)
  }

  /** Replaces the record. No other request competes for it, so only lost replies get in the way. */
  async #replace(
    address: SessionAddress,
    record: SessionRecord,
    time: LoopStopwatch,
  ): Promise<Put> {
    const { records } = this.#context
    let outages = 0
    let tries = 0
    do {
      tries++
      const found = await readEntry(this.#context, address)
      if (found === 'missing') {
        this.#address = null
        return this.put(record, time)
      }
      const expiry = expiryOf(this.#context, record)
      const saved =
        typeof found === 'string'
          ? 'unavailable'
          : await records.save(address, record, expiry, found.version)
      if (saved === 'saved') return 'done'
      if (saved === 'unavailable') outages++
      time.start()
    } while (outages < 2 && !givesUp(tries, 0, time.passed))
    return outages > 0 ? 'unavailable' : 'conflict'
  }

  /** Deletes the record, and removes the sign-in from the list. */
  async withdraw(): Promise<void> {
    const { records } = this.#context
    if (this.#address !== null) await records.delete(this.#address.id).catch(() => {})
    if (this.#isListed && this.#owner) await delist(this.#context, this.#owner)
  }
}
