import type { SaveResult, SessionStore, StoredRecord } from '@coatcheck/core'
import { checkBytes, checkFound, checkSame } from '../assert.ts'

/**
 * A store for one test, and what the test can do with it. The tests use random ids, so that many stores
 * can share a server.
 */
export interface StoreUnderTest {
  readonly store: SessionStore
  /**
   * Advances the store's clock by milliseconds. Without it the expiry tests wait in real time: up to
   * 4.5 s each, 33 s when run one after another.
   */
  advance?(ms: number): Promise<void> | void
  /**
   * The time of the clock that `advance` moves, in milliseconds since 1970. Give it if the clock is older
   * than the test. Default: a clock that starts at the current time when `create` returns.
   */
  now?(): number
  /** Called after the test, also if it failed. */
  close?(): Promise<void> | void
}

export interface Clock {
  now(): number
  /** Waits until `time`, or advances the store's clock to it. */
  reach(time: number): Promise<void>
  /** The lifetime of a record in the expiry tests, in milliseconds. */
  readonly lifetime: number
  /** How long before `expiresAt` a record must still exist. */
  readonly margin: number
  /** How long after `expiresAt` it must be gone: memcached rounds up, and its clock ticks once a second. */
  readonly slack: number
}

/** What each test of the contract works with. */
export interface TestContext {
  readonly store: SessionStore
  readonly clock: Clock
  /** A random id that is not in use. */
  readonly id: string
  /** An `expiresAt` later than the end of any test. */
  readonly later: number
}

/** Defines one test of the contract. */
export type Test = (name: string, body: (context: TestContext) => Promise<void>) => void

export const DAY: number = 24 * 60 * 60 * 1000

export const FIRST: Uint8Array = Uint8Array.of(1, 2, 3)
export const SECOND: Uint8Array = Uint8Array.of(4, 5, 6, 7)
export const THIRD: Uint8Array = Uint8Array.of(8)

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

/** Writes the bytes with `create` and with `save`, and loads them. */
export async function checkRoundTrip(
  { store, id, later }: TestContext,
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
 * Calls `act` with a record that expires soon. If the machine was so slow that the record may have expired
 * during the call, the result proves nothing: it tries again with another record.
 */
export async function withShortLived<result>(
  { store, clock }: TestContext,
  act: (id: string, expiresAt: number) => Promise<result>,
): Promise<{ id: string; expiresAt: number; result: result }> {
  for (let tries = 0; tries < 5; tries++) {
    const id = randomId()
    const expiresAt = clock.now() + clock.lifetime
    await store.create(id, FIRST, expiresAt)
    const result = await act(id, expiresAt)
    if (clock.now() < expiresAt) return { id, expiresAt, result }
  }
  throw new Error(
    `too slow to test expiry: five calls in a row took more than ${clock.lifetime} ms`,
  )
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

/** 43 base64url characters, like the ids of the core. */
export function randomId(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const bytes = crypto.getRandomValues(new Uint8Array(43))
  return Array.from(bytes, (byte) => alphabet.charAt(byte % 64)).join('')
}
