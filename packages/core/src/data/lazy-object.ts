import type { Block, Blocks } from '../rules/diff-and-merge.ts'
import { SessionError } from '../errors.ts'
import { sameBytes } from '../crypto/same-bytes.ts'
import { hasMutators, refuseMethods } from './built-in-mutators.ts'
import { takenFrom } from './take.ts'
import { decodeValue, encodeValue, propertyName, refuseData } from './value.ts'

/** The app's data object, and the blocks that it encodes to. */
export class Data {
  readonly #base: Blocks
  /** `null` until the object is used. */
  #opened: Opened | null

  constructor(base: Blocks, opened: Opened | null) {
    this.#base = base
    this.#opened = opened
  }

  /** A plain object whose keys are decoded when first read. */
  get object(): object {
    this.#opened ??= openedFor(this.#base)
    return this.#opened.object
  }

  /** The data as blocks; the original ones where nothing changed. Throws `unsupported-value`. */
  blocks(): Blocks {
    return this.#opened === null ? this.#base : readBlocks(this.#opened, this.#base)
  }

  /** The keys, without decoding anything. */
  keys(): readonly string[] {
    return this.#opened === null ? [...this.#base.keys()] : Object.keys(this.#opened.object)
  }

  /** The keys that `take` has removed. */
  taken(): ReadonlySet<string> {
    return takenFrom(this.#opened?.object)
  }

  /**
   * Makes later changes of the object throw through `refuse`, because they would not be saved. If it is closed already,
   * `refuse` replaces the former one.
   */
  close(refuse: Refuse): void {
    if (this.#opened !== null) close(this.#opened, refuse)
  }
}

/** Throws an error that says why `what` is no longer possible. */
export type Refuse = (what: string) => never

/** The getter and the setter of a key loaded from the store: one function, which reads if it gets no argument. */
type Accessor = (this: object, ...assigned: unknown[]) => unknown

interface Opened {
  readonly object: object
  /** The initial prototype. */
  readonly prototype: unknown
  /** A key whose accessor is in place, and listed here, is unchanged. */
  readonly accessors: Map<string, Accessor>
  readonly state: State
}

/**
 * What accessors refer to. V8 keeps that until the next full garbage collection, so it is little once the object is
 * closed. A class, because V8 may allocate an object literal and all that it refers to where they live as long.
 */
class State {
  /** `null` once the object is closed. */
  opened: Opened | null = null
  /** Arrays, objects, Maps, Sets, Dates and bytes that came from the store, at any depth. */
  loaded: Set<object> | null = null
  /** Set once the object is closed. */
  refuse: Refuse | null = null
}

/**
 * Creates the data of a snapshot. Each key is an enumerable accessor, which is replaced by the value when the key is
 * assigned, or read with a mutable value. So a key whose accessor is still in place is unchanged, and its block is
 * reused.
 */
export function createData(base: Blocks): Data {
  return new Data(base, null)
}

function openedFor(base: Blocks): Opened {
  const opened = openedOf({})
  for (const [key, block] of base) opened.accessors.set(key, define(opened, key, block))
  return opened
}

/** The same for an object made elsewhere (a schema's output): every key counts as touched. */
export function adoptData(object: object): Data {
  return new Data(new Map(), openedOf(object))
}

function openedOf(object: object): Opened {
  const prototype: unknown = Object.getPrototypeOf(object)
  const state = new State()
  return (state.opened = { object, prototype, accessors: new Map(), state })
}

/** `block`: of a value that was not read yet. */
function define({ object, state }: Opened, key: string, block: Block | null, value?: unknown) {
  function access(this: object, ...assigned: unknown[]): unknown {
    if (assigned.length > 0) return assign(state, this, key, assigned[0])
    if (block) value = load(state, key, block)
    block = null
    const { opened } = state
    if (opened === null) freeze(state, value)
    else if (isMutable(value)) {
      if (isUntouched(opened, key)) defineValue(opened.object, key, value)
      // Also if the app has put the accessor elsewhere: the value may be changed in place.
      opened.accessors.delete(key)
    }
    return value
  }
  Reflect.defineProperty(object, key, {
    get: access,
    set: access,
    enumerable: true,
    configurable: true,
  })
  return access
}

/** An object that inherits from the data gets its own property, as with a plain object. */
function assign(state: State, object: object, key: string, value: unknown): void {
  state.refuse?.(assigning(key))
  if (!defineValue(object, key, value)) throw new TypeError(`${key} is read-only`)
}

function load(state: State, key: string, block: Block): unknown {
  const value = decodeValue(key, block)
  remember(value, state)
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

function readBlocks(opened: Opened, base: Blocks): Blocks {
  const { object, prototype } = opened
  if (Object.getPrototypeOf(object) !== prototype) {
    refuseData('', 'was given another prototype (by Object.assign of a __proto__ key?), which', '')
  }
  if (Object.getOwnPropertySymbols(object).length > 0) {
    refuseData('', 'has a symbol as key, which', ': use strings')
  }
  const keys = Object.keys(object)
  const blocks = keys.map(
    (key) => (isUntouched(opened, key) && base.get(key)) || encodeAgain(object, key, base),
  )
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

function isUntouched({ object, accessors }: Opened, key: string): boolean {
  const accessor = accessors.get(key)
  return accessor !== undefined && Object.getOwnPropertyDescriptor(object, key)?.get === accessor
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
function close(opened: Opened, refuse: Refuse): void {
  const { object, state } = opened
  state.refuse = refuse
  if (state.opened === null) return
  state.opened = null
  for (const key of Object.keys(object)) {
    if (isUntouched(opened, key)) continue
    let value: unknown
    try {
      value = (object as Record<string, unknown>)[key]
    } catch {
      // A getter of the app must not fail a sign-out.
    }
    freeze(state, value)
    define(opened, key, null, value)
  }
  // Also keys that the app has sealed before.
  Object.freeze(object)
}

function assigning(key: string): string {
  return `Assigning session.data${propertyName(key)}`
}

/** Freezing does not stop the methods of a Map, Set, Date or Uint8Array, so they are replaced one by one. */
function freeze(state: State, value: unknown): void {
  if (!isMutable(value) || !state.loaded?.delete(value)) return
  if (!hasMutators(value)) Object.freeze(value)
  else
    refuseMethods(
      value,
      () => 'session.data',
      (what) => state.refuse?.(what),
    )
  for (const item of itemsOf(value)) freeze(state, item)
}

function remember(value: unknown, state: State): void {
  if (!isMutable(value)) return
  state.loaded ??= new Set()
  state.loaded.add(value)
  for (const item of itemsOf(value)) remember(item, state)
}

function itemsOf(value: object): Iterable<unknown> {
  if (value instanceof Map) return [...value].flat(1)
  if (value instanceof Set) return value
  return value instanceof Uint8Array ? [] : Object.values(value)
}

function isMutable(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
