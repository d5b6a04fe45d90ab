import type { SaveResult, SessionStore, StoredRecord } from '@coatcheck/core'
import { checkBytes, checkFound, checkSame } from './store-contract-assert.ts'

/**
 * A store for one test, and what the test may do with it. Ids are random: many stores may share a
 * server.
 */
export interface StoreUnderTest {
  readonly store: SessionStore
  /**
   * Moves the store's clock on, by milliseconds. Without it the expiry tests wait in real time: up
   * to 4.5 s each, 33 s when run one after another.
   */
  advance?(ms: number): Promise<void> | void
  /**
   * What the clock that `advance` moves shows, in milliseconds since 1970. Needed when it is older
   * than the test; by default it is taken to start at the current time, with the store.
   */
  now?(): number
  /** Called when the test has ended, whatever its end. */
  close?(): Promise<void> | void
}

export interface Clock {
  now(): number
  /** Waits, or moves the store's clock, until it shows `time`. */
  reach(time: number): Promise<void>
  /** Milliseconds a record of the expiry tests lives. */
  readonly lifetime: number
  /** How long before the end a record must still be there. */
  readonly margin: number
  /** How long after the end it must be gone: memcached rounds up, and ticks once a second. */
  readonly slack: number
}

export interface Trial {
  readonly store: SessionStore
  readonly clock: Clock
  /** A random id that nobody has used. */
  readonly id: string
  /** An `expiresAt` that no test reaches. */
  readonly later: number
}

export const FIRST: Uint8Array = Uint8Array.of(1, 2, 3)

export async function loaded(store: SessionStore, id: string): Promise<StoredRecord> {
  return checkFound(await store.load(id), 'load')
}

export async function saveOnTop(
  store: SessionStore,
  id: string,
  bytes: Uint8Array,
  expiresAt: number,
): Promise<SaveResult> {
  const found = await store.load(id)
  return found === null ? 'missing' : store.save(id, bytes, expiresAt, found.version)
}

export async function createOther(store: SessionStore, expiresAt: number): Promise<StoredRecord> {
  const other = randomId()
  await store.create(other, FIRST, expiresAt)
  return loaded(store, other)
}

/** Both ways in: `create` and `save`. */
export async function checkRoundTrip(
  { store, id, later }: Trial,
  bytes: Uint8Array,
): Promise<void> {
  await store.create(id, bytes, later)
  checkBytes((await loaded(store, id)).bytes, bytes, 'load after create')
  const other = randomId()
  await store.create(other, Uint8Array.of(99), later)
  checkSame(await saveOnTop(store, other, bytes, later), 'saved', 'save')
  checkBytes((await loaded(store, other)).bytes, bytes, 'load after save')
}

/**
 * Does something with a record that will end soon, and does it again with another one when the
 * machine was so slow that the record might have ended meanwhile: that would prove nothing.
 */
export async function withShortLived<result>(
  { store, clock }: Trial,
  act: (id: string, expiresAt: number) => Promise<result>,
): Promise<{ id: string; expiresAt: number; result: result }> {
  for (let tries = 0; tries < 5; tries++) {
    const id = randomId()
    const expiresAt = clock.now() + clock.lifetime
    await store.create(id, FIRST, expiresAt)
    const result = await act(id, expiresAt)
    if (clock.now() < expiresAt) return { id, expiresAt, result }
  }
  throw new Error(`no answer within ${clock.lifetime} ms, five times: too slow to test expiry`)
}

export async function pass(clock: Clock, expiresAt: number): Promise<void> {
  await clock.reach(expiresAt + clock.slack)
}

export function clockOf(subject: StoreUnderTest): Clock {
  if (subject.advance === undefined) {
    return { now: () => Date.now(), reach: sleepUntil, lifetime: 1_400, margin: 200, slack: 3_000 }
  }
  let time = Date.now()
  const now = (): number => subject.now?.() ?? time
  return {
    now,
    async reach(target: number): Promise<void> {
      const ms = target - now()
      time = target
      await subject.advance?.(ms)
    },
    lifetime: 3_600_000,
    margin: 60_000,
    slack: 60_000,
  }
}

async function sleepUntil(time: number): Promise<void> {
  // A timer may fire a millisecond early.
  for (let ms = time - Date.now(); ms > 0; ms = time - Date.now()) {
    await new Promise<void>((resolve) => setTimeout(resolve, ms))
  }
}

/** 43 characters of base64url, as the ids of the core are. */
export function randomId(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const bytes = crypto.getRandomValues(new Uint8Array(43))
  return Array.from(bytes, (byte) => alphabet.charAt(byte % 64)).join('')
}
