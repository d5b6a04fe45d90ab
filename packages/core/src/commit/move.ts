import type { SessionAddress } from '../crypto/record-address.ts'
import { markAddressOf, markKeyOf } from '../crypto/token.ts'
import { readEntry } from '../load/read-entry.ts'
import { livesOn } from '../load/lives-on.ts'
import { isLoaded, readRecord } from '../load/read-record.ts'
import type { LoadedSession, NotLoaded } from '../load/read-record.ts'
import { shapeRecord } from '../load/shape-record.ts'
import type { Settled } from '../batch-queue.ts'
import { LoopTime } from '../loop-time.ts'
import { expiresAt, hasEnded } from '../rules/lifetime.ts'
import type { Outcome } from '../rules/next-step.ts'
import { givesUp, holdsPerTry, isMoving, movingLife } from '../rules/retry.ts'
import type { Entry, MovedMark, Owner, SessionRecord } from '../store/record.ts'
import { isForward, isMovedMark, isRecord } from '../store/record.ts'
import { delist, newOwner, updateListed } from '../subjects/operations.ts'
import { freshest, replayAll, settleAll } from './replay-batch.ts'
import type { Replayed } from './replay-batch.ts'
import { claim, expiryOf } from './claim-token.ts'
import type { CommitContext } from './context.ts'
import { replayOntoNone } from './check-data.ts'
import { list } from './create.ts'
import type { Write, Written } from './edit.ts'
import { saveAll } from './save.ts'

/** For how long an old token forwards to the new one after a rotation, in milliseconds. */
export const forwardLife = 15_000

/** For how long a sign-out under an old token finds the session that a renewal has moved, in milliseconds. */
export const markLife = 60_000

type Ends = readonly Settled<Written>[]

/**
 * Moves a session to a new token, and merges the saves that wait beside it into the move. `renew` and `signIn`
 * leave a mark under the old id, which only a sign-out follows; a rotation leaves a forward, which reads and
 * saves follow.
 *
 * The new record is claimed first; then the mark replaces the old record under its version, so that at no time
 * two tokens work, and no save in between is lost. After a conflict the old record is held: other writers wait
 * while it says so. The new token stays the same over all tries.
 */
export async function moveAll(
  context: CommitContext,
  writes: readonly Write[],
  mover: Write,
): Promise<Ends> {
  const { signIn } = mover.edit
  const owner = signIn && (await newOwner(context, signIn.subject))
  const time = new LoopTime(context)
  return new Move(context, writes, mover, owner, time).run().finally(() => time.stop())
}

class Move {
  readonly #context: CommitContext
  readonly #writes: readonly Write[]
  readonly #mover: Write
  /** Of the subject that signs in; `null`: the session keeps its owner. */
  readonly #owner: Owner | null
  readonly #time: LoopTime
  readonly #startedAt: number
  #loaded: LoadedSession
  #replayed: Replayed
  #target: SessionAddress | null = null
  /** Whether other writers wait for this move. */
  #isHolding = false
  #isHeldForSure = true
  #tries = 0

  constructor(
    context: CommitContext,
    writes: readonly Write[],
    mover: Write,
    owner: Owner | null,
    time: LoopTime,
  ) {
    const { now } = context
    this.#time = time
    this.#context = context
    this.#writes = writes
    this.#mover = mover
    this.#owner = owner
    this.#startedAt = now()
    this.#loaded = freshest(writes)
    this.#replayed = { record: this.#loaded.record, errors: writes.map(() => null) }
  }

  get #isRotation(): boolean {
    return this.#mover.step === 'rotate'
  }

  async run(): Promise<Ends> {
    const { lifetime, now } = this.#context
    for (;;) {
      this.#tries++
      const elected = await this.#elect()
      if (elected !== null) return elected
      if (hasEnded(lifetime, this.#loaded.record.createdAt, now())) return this.#endGone()
      this.#replayed = await replayAll(this.#context, this.#loaded, this.#writes)
      if (this.#replayed.errors[this.#writes.indexOf(this.#mover)]) return this.#endWithoutMover()
      const failed = await this.#put(this.#replayed.record)
      const ends = failed ?? (await this.#placeMark())
      if (ends !== null) return ends
    }
  }

  /**
   * Of several requests that would rotate one token, the one that holds the record does it; the others save what
   * they have to save. `null`: this one goes on.
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

  /** Puts the record under the new token. `null`: done; else how the move ends. */
  async #put(start: SessionRecord): Promise<Ends | null> {
    const record = this.#movedRecord(start)
    if (this.#target !== null) return this.#putAgain(this.#target, record)
    if (this.#tries === 1) {
      const listed = await list(this.#context, record, this.#mover.edit.signIn)
      if (listed !== 'saved') return this.#all(listed)
    }
    const claimed = await claim(this.#context, record)
    if (claimed.address === undefined) {
      if (this.#owner !== null) await delist(this.#context, this.#owner)
      return this.#all(claimed.outcome)
    }
    this.#target = claimed.address
    return null
  }

  /** No one else knows the new token yet, so nothing but a lost answer is in the way. */
  async #putAgain(target: SessionAddress, record: SessionRecord): Promise<Ends | null> {
    const { records } = this.#context
    let outages = 0
    let tries = 0
    do {
      tries++
      const found = await readEntry(this.#context, target)
      if (found === 'missing') {
        this.#target = null
        return this.#put(record)
      }
      const expiry = expiryOf(this.#context, record)
      const saved =
        typeof found === 'string'
          ? 'unavailable'
          : await records.save(target, record, expiry, found.version)
      if (saved === 'saved') return null
      if (saved === 'unavailable') outages++
    } while (outages < 2 && !this.#isOver(tries))
    return outages > 0 ? this.#all('unavailable') : this.#giveUp()
  }

  /** Replaces the old record by the mark. `null`: it has changed, and the move goes on from what is there. */
  async #placeMark(): Promise<Ends | null> {
    const { address, version } = this.#loaded
    const result = await this.#saveMark(this.#target as SessionAddress, version)
    if (result === 'saved') return this.#finish()
    if (result === 'missing') return this.#endGone()
    const found = await readEntry(this.#context, address)
    const at = await this.#judge(found)
    if (!('record' in at)) return at.ends
    return (await this.#holdAtOnce(at.record, at.version)) ?? this.#retry()
  }

  /**
   * Tries several times without a pause: writers that have none would win against one that waits. If another move
   * holds the record, they wait already, and it is left to that one.
   */
  async #holdAtOnce(record: SessionRecord, version: unknown): Promise<Ends | null> {
    let ends = await this.#hold(record, version)
    for (let holds = 1; holds < holdsPerTry && ends === null && !this.#isHolding; holds++) {
      const { record: found, version: foundVersion } = this.#loaded
      if (isMoving(found.movingUntil, this.#context.now())) return null
      ends = await this.#hold(found, foundVersion)
    }
    return ends
  }

  async #saveMark(
    target: SessionAddress,
    version: unknown,
  ): Promise<'saved' | 'conflict' | 'missing' | 'unavailable'> {
    const { records, namespace, now } = this.#context
    const { address } = this.#loaded
    if (this.#isRotation) {
      const until = now() + forwardLife
      return records.save(address, { kind: 'forward', token: target.token, until }, until, version)
    }
    const until = now() + markLife
    const markKey = await markKeyOf(namespace, target.token)
    const owner = this.#owner ?? this.#loaded.record.owner
    const place = markAddressOf(address.id, await markKeyOf(namespace, address.token))
    const mark = { kind: 'moved', id: target.id, markKey, owner, until } as const
    return records.save(place, mark, until, version)
  }

  /**
   * Marks the old record as being moved, so that other writers wait. That also gives it another version, which
   * a mark whose answer was lost does not fit any more.
   */
  async #hold(record: SessionRecord, version: unknown): Promise<Ends | null> {
    const { records, lifetime, now } = this.#context
    const { address } = this.#loaded
    const held = { ...record, movingUntil: now() + movingLife }
    const expiry = expiresAt(lifetime, record.createdAt, now())
    const result = await records.save(address, held, expiry, version)
    const found = await readEntry(this.#context, address)
    const at = await this.#judge(found)
    if (!('record' in at)) return at.ends
    this.#loaded = { ...at, address, isForwarded: false }
    this.#isHolding = result === 'saved'
    this.#isHeldForSure = result !== 'unavailable'
    return null
  }

  #isOver(tries: number): boolean {
    this.#time.start()
    return givesUp(tries, 0, this.#time.passed)
  }

  async #giveUp(): Promise<Ends> {
    // A mark that may still arrive would lead to a record that is gone.
    if (!this.#isHeldForSure) return this.#all('unavailable')
    await this.#withdraw()
    return this.#all('conflict')
  }

  async #retry(): Promise<Ends | null> {
    if (!this.#isOver(this.#tries)) {
      await this.#context.backOff(this.#tries)
      return null
    }
    return this.#giveUp()
  }

  /**
   * What is under the old id: the record, or how the move ends. `null`: the session has been rotated, and the move
   * goes on from there.
   */
  async #judge(
    found: Awaited<ReturnType<typeof readEntry<SessionAddress>>>,
  ): Promise<Pick<LoadedSession, 'record' | 'version'> | { readonly ends: Ends | null }> {
    if (found === 'missing') return { ends: await this.#endGone() }
    if (typeof found === 'string' || found.record === null) {
      return { ends: this.#all('unavailable') }
    }
    const { record, version } = found
    if (isRecord(record)) {
      const shaped = await shapeRecord(this.#context, found.address, record)
      return shaped === null ? { ends: this.#all('unavailable') } : { record: shaped, version }
    }
    if (this.#isOwnMark(record)) return { ends: await this.#finish() }
    if (isMovedMark(record)) return { ends: await this.#endMoved(record) }
    const next = await readRecord(this.#context, this.#loaded.address)
    if (!isLoaded(next)) return { ends: await this.#endAt(next) }
    const shaped = await shapeRecord(this.#context, next.address, next.record)
    if (shaped === null) return { ends: this.#all('unavailable') }
    const there = { ...next, record: shaped }
    if (this.#isRotation) return { ends: await this.#saveAt(there) }
    this.#loaded = there
    return { ends: null }
  }

  #isOwnMark(entry: Entry): boolean {
    if (isForward(entry)) return entry.token === this.#target?.token
    return isMovedMark(entry) && entry.id === this.#target?.id
  }

  #endAt(found: NotLoaded): Promise<Ends> | Ends {
    if (found === 'missing') return this.#endGone()
    return typeof found === 'string' ? this.#all('unavailable') : this.#endMoved(found)
  }

  /** The mark is in place: the new token is the session's. */
  async #finish(): Promise<Ends> {
    const { record: before } = this.#loaded
    const after = this.#movedRecord(this.#replayed.record)
    if (this.#owner !== null && before.owner !== null) await delist(this.#context, before.owner)
    if (this.#owner === null && before.owner !== null && !this.#isRotation) {
      const { createdAt, renewedAt } = after
      const update = { createdAt, renewedAt, seenAt: this.#startedAt }
      await updateListed(this.#context, before.owner, update)
    }
    const moved = { tries: this.#tries, address: this.#target as SessionAddress }
    const { createdAt } = after
    return settleAll(this.#writes, this.#replayed.errors, (write) => {
      if (this.#isRotation) {
        return { ...moved, outcome: write.step === 'rotate' ? 'rotated' : 'saved', createdAt }
      }
      return write === this.#mover
        ? { ...moved, outcome: 'renewed', createdAt }
        : { ...moved, outcome: 'saved' }
    })
  }

  /** The session has ended. A sign-in goes on with what this request changed, and with nothing of the session. */
  async #endGone(): Promise<Ends> {
    const { edit } = this.#mover
    if (edit.signIn === null) {
      await this.#withdraw()
      return this.#all('gone')
    }
    return this.#signInAlone(await replayOntoNone(this.#context, edit, this.#startedAt), 'gone')
  }

  /** Another request has moved the session. A sign-in begins a new one with what this request held. */
  async #endMoved(mark: MovedMark): Promise<Ends> {
    if (this.#mover.edit.signIn !== null) {
      const lives = await livesOn(this.#context, mark)
      if (lives === 'unavailable') return this.#all(lives)
      return lives ? this.#signInAlone(this.#mover.edit.record, 'moved') : this.#endGone()
    }
    await this.#withdraw()
    return this.#all('moved')
  }

  /** The sign-in gets a session of its own, under the new token. */
  async #signInAlone(start: SessionRecord, others: Outcome): Promise<Ends> {
    const failed = await this.#put(start)
    if (failed !== null) return failed
    const created: Written = {
      outcome: 'created',
      tries: this.#tries,
      address: this.#target as SessionAddress,
      createdAt: this.#movedRecord(start).createdAt,
    }
    const { errors } = this.#replayed
    return settleAll(this.#writes, errors, (write) =>
      write === this.#mover ? created : { outcome: others, tries: this.#tries },
    )
  }

  /** Another request has rotated the token: what this one has to save goes there. */
  async #saveAt(loaded: LoadedSession): Promise<Ends> {
    await this.#withdraw()
    const isIdle = this.#writes.every(({ edit }) => !edit.isAsked && !edit.usesToken)
    return isIdle ? this.#all('unchanged') : saveAll(this.#context, this.#writes, loaded)
  }

  /** The mover's own edit cannot be replayed any more; the saves beside it can. */
  async #endWithoutMover(): Promise<Ends> {
    await this.#withdraw()
    const at = this.#writes.indexOf(this.#mover)
    const others = this.#writes.toSpliced(at, 1)
    // Not to wait for this move's own hold.
    const record = { ...this.#loaded.record, movingUntil: 0 }
    const start = { ...this.#loaded, record }
    const ends = others.length === 0 ? [] : await saveAll(this.#context, others, start)
    return ends.toSpliced(at, 0, this.#replayed.errors[at] as { readonly error: unknown })
  }

  async #withdraw(): Promise<void> {
    if (this.#target === null) return
    await this.#context.records.delete(this.#target.id)
    if (this.#owner !== null) await delist(this.#context, this.#owner)
  }

  #all(outcome: Outcome): Ends {
    const end = { outcome, tries: this.#tries }
    return settleAll(this.#writes, this.#replayed.errors, () => end)
  }

  #movedRecord(record: SessionRecord): SessionRecord {
    const now = this.#startedAt
    const moved = { ...record, rotatedAt: now, movingUntil: 0 }
    if (this.#isRotation) return { ...moved, isTokenUnused: true }
    const { restart, root } = this.#mover.edit
    return {
      ...moved,
      createdAt: restart ? now : record.createdAt,
      renewedAt: now,
      owner: this.#owner ?? record.owner,
      root,
      isTokenUnused: false,
    }
  }
}
