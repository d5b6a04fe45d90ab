import type { Block, Blocks } from '../rules/diff-and-merge.ts'
import { SessionError } from '../errors.ts'
import { sameBytes } from '../crypto/same-bytes.ts'
import { hasMutators, refuseMethods } from './built-in-mutators.ts'
import { noKeys, takenFrom } from './take.ts'
import { decodeValue, encodeValue, propertyName, refuseData } from './value.ts'

/** The app's data object, and the blocks that it encodes to. */
export class Data {
  readonly #base: Blocks
  /** `null` until the object is used. */
  #state: State | null

  constructor(base: Blocks, state: State | null) {
    this.#base = base
    this.#state = state
  }

  /** A plain object whose keys are decoded when first read. */
  get object(): object {
    this.#state ??= stateFor(this.#base)
    return this.#state.object
  }

  /** The data as blocks; the original ones where nothing changed. Throws `unsupported-value`. */
  blocks(): Blocks {
    return this.#state === null ? this.#base : readBlocks(this.#state, this.#base)
  }

  /** The keys, without decoding anything. */
  keys(): readonly string[] {
    return this.#state === null ? [...this.#base.keys()] : Object.keys(this.#state.object)
  }

  /** The keys that `take` has removed. */
  taken(): ReadonlySet<string> {
    return this.#state === null ? noKeys : takenFrom(this.#state.object)
  }

  /** Makes later changes of the object throw through `refuse`, because they would not be saved. */
  close(refuse: Refuse): void {
    if (this.#state !== null) close(this.#state, refuse)
  }
}

/** Throws an error that says why `what` is no longer possible. */
export type Refuse = (what: string) => never

/** A key loaded from the store, while its accessor is in place. */
interface Slot {
  readonly block: Block
  readonly get: () => unknown
  /** The decoded value. */
  value: unknown
}

/** The value of a slot that was not read yet. */
const unread = Symbol('unread')

interface State {
  readonly object: object
  /** The initial prototype. */
  readonly prototype: unknown
  readonly slots: Map<string, Slot>
  /** Arrays, objects, Maps, Sets, Dates and bytes that came from the store, at any depth. */
  readonly loaded: Set<object>
  /** Set once the object is closed. */
  refuse: Refuse | null
}

/**
 * Creates the data of a snapshot. Each key is an enumerable accessor, which is replaced by the value when the key is
 * assigned, or read with a mutable value. So a key whose accessor is still in place is unchanged, and its block is
 * reused.
 */
export function createData(base: Blocks): Data {
  return new Data(base, null)
}

function stateFor(base: Blocks): State {
  const state = stateOf({})
  for (const [key, block] of base) defineLazily(state, key, block)
  return state
}

/** The same for an object made elsewhere (a schema's output): every key counts as touched. */
export function adoptData(object: object): Data {
  return new Data(new Map(), stateOf(object))
}

function stateOf(object: object): State {
  const prototype: unknown = Object.getPrototypeOf(object)
  return { object, prototype, slots: new Map(), loaded: new Set(), refuse: null }
}

function defineLazily(state: State, key: string, block: Block): void {
  const get = (): unknown => {
    if (slot.value === unread) slot.value = load(state, key, block)
    const { value } = slot
    if (state.refuse) freeze(state, value)
    else if (isMutable(value)) defineValue(state.object, key, value)
    return value
  }
  function set(this: object, value: unknown): void {
    state.refuse?.(assigning(key))
    // An object that inherits from the data gets its own property, as with a plain object.
    if (!defineValue(this, key, value))
      throw new TypeError(`Cannot assign to ${key}: it is read-only`)
  }
  const slot: Slot = { block, get, value: unread }
  state.slots.set(key, slot)
  Object.defineProperty(state.object, key, { get, set, enumerable: true, configurable: true })
}

function load(state: State, key: string, block: Block): unknown {
  const value = decodeValue(key, block)
  remember(value, state.loaded)
  return value
}

/** Returns false and does nothing if the app has frozen the object. */
function defineValue(object: object, key: string, value: unknown): boolean {
  return Reflect.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}

function readBlocks(state: State, base: Blocks): Blocks {
  const { object } = state
  if (Object.getPrototypeOf(object) !== state.prototype) {
    refuseData('', 'was given another prototype (by Object.assign of a __proto__ key?), which', '')
  }
  if (Object.getOwnPropertySymbols(object).length > 0) {
    refuseData('', 'has a symbol as key, which', ': use strings')
  }
  const keys = Object.keys(object)
  const blocks = keys.map((key) => untouched(state, key)?.block ?? encodeAgain(object, key, base))
  if (isSame(base, keys, blocks)) return base
  return new Map(keys.map((key, at) => [key, blocks[at] as Block]))
}

/** Compares the order too. */
function isSame(base: Blocks, keys: readonly string[], blocks: readonly Block[]): boolean {
  if (keys.length !== base.size) return false
  let at = 0
  for (const [key, block] of base) {
    if (keys[at] !== key || blocks[at] !== block) return false
    at++
  }
  return true
}

/** Encodes a key, and reuses the block of the base if the bytes are the same. */
function encodeAgain(object: object, key: string, base: Blocks): Block {
  const block = encodeKey(object, key)
  const before = base.get(key)
  return before !== undefined && sameBytes(before, block) ? before : block
}

/** The slot of a key whose value is unchanged. */
function untouched({ object, slots }: State, key: string): Slot | undefined {
  const slot = slots.get(key)
  if (slot === undefined || isMutable(slot.value)) return undefined
  return Object.getOwnPropertyDescriptor(object, key)?.get === slot.get ? slot : undefined
}

function encodeKey(object: object, key: string): Block {
  if (key === '__proto__' || !key.isWellFormed()) {
    refuseData(propertyName(key), 'is under a key that', ': use another')
  }
  return encodeValue(key, readKey(object, key))
}

/** The app may have defined a getter. Its error would not mention sessions, and may quote a value. */
function readKey(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key]
  } catch (error) {
    if (error instanceof SessionError) throw error
    refuseData(propertyName(key), 'has a getter that throws, which', ': store its value')
  }
}

/**
 * Gives every touched key a setter that throws (an untouched one already has it), and forbids new keys and deletions,
 * which fail silently in sloppy mode. Values from the store are deep-frozen. Values that the app added, at any depth,
 * may be in use elsewhere and are left alone.
 */
function close(state: State, refuse: Refuse): void {
  state.refuse = refuse
  for (const key of Object.keys(state.object)) if (!untouched(state, key)) closeKey(state, key)
  Object.seal(state.object)
}

function closeKey(state: State, key: string): void {
  const value: unknown = (state.object as Record<string, unknown>)[key]
  freeze(state, value)
  const set = (): void => state.refuse?.(assigning(key))
  Reflect.defineProperty(state.object, key, {
    get: () => value,
    set,
    enumerable: true,
    configurable: false,
  })
}

function assigning(key: string): string {
  return `Assigning session.data${propertyName(key)}`
}

/** Freezing does not stop the methods of a Map, Set, Date or Uint8Array, so they are replaced one by one. */
function freeze(state: State, value: unknown): void {
  if (!isMutable(value) || !state.loaded.delete(value)) return
  const { refuse } = state
  if (!hasMutators(value)) Object.freeze(value)
  else if (refuse !== null)
    refuseMethods(
      value,
      () => 'session.data',
      (what) => (state.refuse ?? refuse)(what),
    )
  for (const item of itemsOf(value)) freeze(state, item)
}

function remember(value: unknown, loaded: Set<object>): void {
  if (!isMutable(value)) return
  loaded.add(value)
  for (const item of itemsOf(value)) remember(item, loaded)
}

function itemsOf(value: object): Iterable<unknown> {
  if (value instanceof Map) return [...value].flat(1)
  if (value instanceof Set) return value
  return value instanceof Uint8Array ? [] : Object.values(value)
}

function isMutable(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
