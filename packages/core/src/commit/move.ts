import type { SessionAddress } from '../crypto/record-address.ts'
import { readEntry } from '../load/read-entry.ts'
import { lastMark } from '../load/last-mark.ts'
import { isLoaded, followForwards } from '../load/follow-forwards.ts'
import type { LoadedSession, NotLoaded } from '../load/follow-forwards.ts'
import { shapeRecord } from '../load/shape-record.ts'
import type { Settled } from '../batch-queue.ts'
import { LoopStopwatch } from '../loop-stopwatch.ts'
import { expiresAt, hasEnded, lifetimeOf } from '../rules/lifetime.ts'
import type { Lifetime } from '../rules/lifetime.ts'
import type { Outcome } from '../rules/next-step.ts'
import { givesUp, holdsInOutage, holdsPerTry, isMoving, movingLife } from '../rules/retry-limits.ts'
import type { MovedMark } from '../store/marks.ts'
import type { Owner, SessionRecord } from '../store/record.ts'
import { isMovedMark, isRecord } from '../store/marks.ts'
import { delist, newOwner } from '../subjects/operations.ts'
import { isRevoked, updatePlace } from './place-in-list.ts'
import { freshest, replayAll, settleAll, settleOne } from './replay-batch.ts'
import type { Replayed } from './replay-batch.ts'
import type { CommitContext } from './context.ts'
import { replayOntoNone } from './accept-by-schema.ts'
import { hasTaken } from './edit.ts'
import type { Write, Written } from './edit.ts'
import { leadsTo, leaveForward, leaveMovedMark } from './leave-under-old-id.ts'
import { RecordUnderNewToken } from './record-under-new-token.ts'
import { saveAll } from './save.ts'

type Ends = readonly Settled<Written>[]
type Found = Pick<LoadedSession, 'record' | 'version'>

/**
 * Moves a session to a new token and merges the saves of the same batch into the move. `renew` and `signIn` leave a
 * mark under the old id, which only a sign-out follows. A rotation leaves a forward, which reads and saves follow.
 *
 * The new record is created first; then the mark replaces the old record under its version. So two tokens never work at
 * the same time, and no concurrent save is lost. After a conflict the move holds the old record (sets `movingUntil`),
 * which makes other writers wait. All tries use the same new token.
 */
export async function moveAll(
  context: CommitContext,
  writes: readonly Write[],
  mover: Write,
): Promise<Ends> {
  const owner = await newOwner(context, mover.edit.signIn?.subject)
  return new Move(context, writes, mover, owner).run()
}

class Move {
  readonly #context: CommitContext
  readonly #writes: readonly Write[]
  readonly #mover: Write
  /** The owner for the subject that signs in. */
  readonly #owner: Owner | null
  readonly #time: LoopStopwatch
  readonly #startedAt: number
  /** The record under the new token. */
  readonly #moved: RecordUnderNewToken
  #loaded: LoadedSession
  #replayed: Replayed
  /** Whether this move holds the old record, so that other writers wait. */
  #isHolding = false
  /** Whether a mark whose reply was lost may still be written. */
  #mayMarkArrive = false
  /** Whether the new token belongs to a session. */
  #isDone = false
  /** Holds in this try whose replies were lost. */
  #lostHolds = 0
  #tries = 0

  constructor(context: CommitContext, writes: readonly Write[], mover: Write, owner: Owner | null) {
    this.#time = new LoopStopwatch(context)
    this.#context = context
    this.#writes = writes
    this.#mover = mover
    this.#owner = owner
    this.#startedAt = context.now()
    this.#moved = new RecordUnderNewToken(context, mover, owner)
    this.#loaded = freshest(writes)
    this.#replayed = { record: this.#loaded.record, errors: writes.map(() => null) }
  }

  get #isRotation(): boolean {
    return this.#mover.step === 'rotate'
  }

  /** The address of the new record, once it is in the store. */
  get #target(): SessionAddress {
    return this.#moved.address as SessionAddress
  }

  #lifetime({ isPersistent }: SessionRecord): Lifetime {
    return lifetimeOf(this.#context.lifetime, isPersistent)
  }

  /** Runs the move, and withdraws the new record if the move fails or throws. */
  async run(): Promise<Ends> {
    try {
      return await this.#try()
    } catch (error) {
      // The move may be done. After an error the commit could be repeated.
      if (this.#mayMarkArrive) return this.#unknown()
      throw error
    } finally {
      this.#time.stop()
      // A mark that is written late would point to a deleted record.
      const isKept = this.#mayMarkArrive && this.#moved.address !== null
      if (!this.#isDone && !isKept) await this.#moved.withdraw().catch(() => {})
    }
  }

  async #try(): Promise<Ends> {
    const { now } = this.#context
    for (;;) {
      this.#tries++
      const elected = await this.#elect()
      if (elected !== null) return elected
      const { record } = this.#loaded
      if (hasEnded(this.#lifetime(record), record.createdAt, now())) return this.#endGone()
      this.#replayed = await replayAll(this.#context, this.#loaded, this.#writes)
      if (this.#replayed.errors[this.#writes.indexOf(this.#mover)]) {
        return this.#mayMarkArrive ? this.#unknown() : this.#endWithoutMover()
      }
      const looking = this.#isRevoked(record.owner)
      const put = await this.#moved.put(this.#replayed.record, this.#time)
      const outcome = (await looking) || put
      const ends =
        outcome === true
          ? await this.#endRevoked()
          : outcome === 'done'
            ? await this.#placeMark()
            : await this.#giveUp(outcome)
      if (ends !== null) return ends
    }
  }

  /**
   * Elects one of several requests that want to rotate the same token: the one that holds the record rotates it, and
   * the others only save their changes. `null`: this request continues.
   */
  async #elect(): Promise<Ends | null> {
    const { now } = this.#context
    while (this.#isRotation && !this.#isHolding) {
      const { record, version } = this.#loaded
      if (isMoving(record.movingUntil, now())) return this.#saveAt(this.#loaded)
      const ends = await this.#hold(record, version)
      if (ends !== null || this.#isHolding) return ends
      if (this.#isOver(this.#tries++)) return this.#saveAt(this.#loaded)
      await this.#context.backOff(this.#tries)
    }
    return null
  }

  #isRevoked(owner: Owner | null): ReturnType<typeof isRevoked> {
    return isRevoked(this.#context, this.#loaded.address.id, owner, this.#mover.edit.signIn)
  }

  /**
   * The data of a revoked session do not go to another subject. A sign-in elsewhere also removes it from the list, and
   * leaves a mark.
   */
  async #endRevoked(): Promise<Ends | null> {
    const at = await this.#judge(await readEntry(this.#context, this.#loaded.address))
    return 'record' in at ? this.#endGone() : at.ends
  }

  /** Replaces the old record with the mark. `null`: the record has changed, and the move retries. */
  async #placeMark(): Promise<Ends | null> {
    const { address } = this.#loaded
    const result = await this.#leaveMark(this.#target)
    if (result === 'saved') return this.#finish()
    if (result === 'missing') return this.#endGone()
    if (result === 'unavailable') this.#mayMarkArrive = true
    const found = await readEntry(this.#context, address)
    const at = await this.#judge(found)
    if (!('record' in at)) return at.ends
    return (await this.#holdAtOnce(at)) ?? this.#retry()
  }

  /**
   * Holds the record without pausing between tries, since a writer that pauses loses to those that do not. Yields if
   * another move holds the record: two moves that take it from each other both fail. Exception: while a late mark may
   * arrive, the record needs a new version.
   */
  async #holdAtOnce(found: Found): Promise<Ends | null> {
    const { address } = this.#loaded
    this.#loaded = { ...found, address, isForwarded: false }
    this.#isHolding = false
    this.#lostHolds = 0
    for (let holds = 0; holds < holdsPerTry && !this.#isHolding; holds++) {
      if (this.#lostHolds >= holdsInOutage) return null
      const { record, version } = this.#loaded
      const isOthers = isMoving(record.movingUntil, this.#context.now())
      if (isOthers && !this.#mayMarkArrive) return null
      const ends = await this.#hold(record, version)
      if (ends !== null) return ends
    }
    return null
  }

  #leaveMark(target: SessionAddress): ReturnType<typeof leaveForward> {
    if (this.#isRotation) return leaveForward(this.#context, this.#loaded, target)
    const { owner } = this.#moved.recordOf(this.#loaded.record)
    return leaveMovedMark(this.#context, this.#loaded, target, owner)
  }

  /**
   * Holds the old record, so that other writers wait. This also changes its version, so that a late mark no longer
   * applies.
   */
  async #hold(record: SessionRecord, version: unknown): Promise<Ends | null> {
    const { records, now } = this.#context
    const { address } = this.#loaded
    const held = { ...record, movingUntil: now() + movingLife }
    const expiry = expiresAt(this.#lifetime(record), record.createdAt, now())
    const result = await records.save(address, held, expiry, version)
    const found = await readEntry(this.#context, address)
    const at = await this.#judge(found)
    if (!('record' in at)) return at.ends
    this.#loaded = { ...at, address, isForwarded: false }
    this.#isHolding = result === 'saved'
    if (result === 'unavailable') this.#lostHolds++
    else this.#mayMarkArrive = false
    return null
  }

  /** Releases the record after a failed move, so that others need not wait. */
  async #release(): Promise<void> {
    if (!this.#isHolding) return
    const { records, now } = this.#context
    const { address, record, version } = this.#loaded
    const expiry = expiresAt(this.#lifetime(record), record.createdAt, now())
    // An error here would hide the outcome.
    await records.save(address, { ...record, movingUntil: 0 }, expiry, version).catch(() => {})
  }

  #isOver(tries: number): boolean {
    this.#time.start()
    return givesUp(tries, 0, this.#time.passed)
  }

  async #giveUp(outcome: Outcome): Promise<Ends> {
    if (this.#mayMarkArrive) return this.#unknown()
    await this.#release()
    return this.#all(outcome)
  }

  async #retry(): Promise<Ends | null> {
    if (!this.#isOver(this.#tries)) {
      await this.#context.backOff(this.#tries)
      return null
    }
    return this.#giveUp('conflict')
  }

  /**
   * What is under the old id: the record, or how the move ends. `ends: null`: the session was rotated, and the move
   * continues at its new address.
   */
  async #judge(
    found: Awaited<ReturnType<typeof readEntry<SessionAddress>>>,
  ): Promise<Found | { readonly ends: Ends | null }> {
    if (found === 'missing') return { ends: await this.#endGone() }
    if (typeof found === 'string' || found.record === null) {
      return { ends: this.#unknown() }
    }
    const { record, version } = found
    if (isRecord(record)) {
      const shaped = await shapeRecord(this.#context, found.address, record)
      return typeof shaped === 'string' ? { ends: this.#unknown() } : { record: shaped, version }
    }
    if (leadsTo(record, this.#moved.address)) return { ends: await this.#finish() }
    if (isMovedMark(record)) return { ends: await this.#endMoved(record) }
    // The entry has changed, so a late mark can no longer replace it.
    this.#mayMarkArrive = false
    const next = await followForwards(this.#context, this.#loaded.address)
    if (!isLoaded(next)) return { ends: await this.#endAt(next) }
    const shaped = await shapeRecord(this.#context, next.address, next.record)
    if (typeof shaped === 'string') return { ends: this.#unknown() }
    const there = { ...next, record: shaped }
    if (this.#isRotation) return { ends: await this.#saveAt(there) }
    this.#loaded = there
    return { ends: null }
  }

  #endAt(found: NotLoaded): Promise<Ends> | Ends {
    if (found === 'missing') return this.#endGone()
    return typeof found === 'string' ? this.#unknown() : this.#endMoved(found)
  }

  /** The mark is in place: the session now has the new token. */
  async #finish(): Promise<Ends> {
    const { record: before } = this.#loaded
    const after = this.#moved.recordOf(this.#replayed.record)
    this.#isDone = true
    if (before.owner && !this.#isRotation) {
      await updatePlace(this.#context, before.owner, after, this.#startedAt)
    }
    const moved = { tries: this.#tries, address: this.#target }
    const { createdAt, isPersistent, owner } = after
    const given = { ...moved, createdAt, isPersistent, owner }
    return settleAll(this.#writes, this.#replayed.errors, (write) => {
      if (this.#isRotation) {
        return { ...given, outcome: write.step === 'rotate' ? 'rotated' : 'saved' }
      }
      return write === this.#mover
        ? { ...given, outcome: 'renewed' }
        : { ...moved, outcome: 'saved', keepsCookie: true }
    })
  }

  /**
   * The session has ended. A sign-in continues with this request's changes, without any data of the session. Otherwise,
   * if a mark's reply was lost, the move may have succeeded and the mark expired: then the outcome is unknown.
   */
  async #endGone(): Promise<Ends> {
    const { edit } = this.#mover
    if (!edit.signIn) {
      return this.#mayMarkArrive ? this.#unknown() : this.#all('gone')
    }
    this.#mayMarkArrive = false
    try {
      return this.#signInAlone(await replayOntoNone(this.#context, edit, this.#startedAt), null)
    } catch (error) {
      return this.#allBut({ error }, 'gone')
    }
  }

  /**
   * Another request has moved the session. A sign-in starts a new session with this request's data, unless the handler
   * took a value: the moved session may still have it, or the other request may have used it.
   */
  async #endMoved(mark: MovedMark): Promise<Ends> {
    const { edit } = this.#mover
    this.#mayMarkArrive = false
    return edit.signIn ? this.#signInAlone(edit.record, mark) : this.#all('moved')
  }

  /**
   * Gives the sign-in its own session under the new token. If the former session goes on after a renewal, the list
   * needs room for both; otherwise the former one is removed from the list. Whether it goes on is asked after the
   * record is stored: a sign-out between the two would go unseen.
   */
  async #signInAlone(start: SessionRecord, mark: MovedMark | null): Promise<Ends> {
    const put = await this.#moved.put(start, this.#time)
    if (put !== 'done') return this.#giveUp(put)
    const last = mark && (await lastMark(this.#context, mark))
    const isOver = typeof last === 'string' ? last : last && (await this.#isRevoked(last.owner))
    if (isOver === 'unavailable') return this.#unknown()
    if (isOver || typeof last === 'string') return this.#endGone()
    if (last && hasTaken(this.#mover.edit)) {
      return this.#allBut({ result: this.#end('taken') }, 'moved')
    }
    const { owner } = this.#loaded.record
    const goesOn = last?.owner?.ref === owner?.ref
    if (owner) await (goesOn ? this.#moved.makeRoomBeside() : delist(this.#context, owner))
    this.#isDone = true
    const { createdAt, isPersistent } = this.#moved.recordOf(start)
    const result = {
      ...this.#end('created'),
      address: this.#target,
      owner: this.#owner,
      createdAt,
      isPersistent,
    }
    return this.#allBut({ result }, mark ? 'moved' : 'gone')
  }

  /** Another request has rotated the token: saves this request's changes at the new address. */
  async #saveAt(loaded: LoadedSession): Promise<Ends> {
    const isIdle = this.#writes.every(({ edit }) => !edit.isAsked && edit.usesToken === null)
    if (isIdle) return this.#all('unchanged')
    // A forward that arrives late leads to a record that has the changes.
    return this.#mayMarkArrive ? this.#unknown() : saveAll(this.#context, this.#writes, loaded)
  }

  /** The mover's own edit can no longer be replayed; saves the other edits of the batch. */
  async #endWithoutMover(): Promise<Ends> {
    const at = this.#writes.indexOf(this.#mover)
    const others = this.#writes.toSpliced(at, 1)
    const { record } = this.#loaded
    const released = this.#isHolding ? { ...record, movingUntil: 0 } : record
    const start = { ...this.#loaded, record: released }
    const ends = others.length === 0 ? [] : await saveAll(this.#context, others, start)
    await this.#release()
    const error = this.#replayed.errors[at] ?? null
    return ends.toSpliced(at, 0, settleOne(this.#mover, error, this.#end('unchanged')))
  }

  #unknown(): Ends {
    return this.#all('unavailable')
  }

  #all(outcome: Outcome): Ends {
    // An earlier try, whose mark may arrive, may have had an edit that this one could not replay.
    const errors = this.#mayMarkArrive ? [] : this.#replayed.errors
    return settleAll(this.#writes, errors, () => this.#end(outcome))
  }

  #allBut(mover: Settled<Written>, others: Outcome): Ends {
    return this.#all(others).with(this.#writes.indexOf(this.#mover), mover)
  }

  #end(outcome: Outcome): Written {
    return { outcome, tries: this.#tries }
  }
}
