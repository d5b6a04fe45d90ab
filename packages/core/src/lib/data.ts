import type { Block, Blocks } from './changes.ts'
import { SessionError } from './errors.ts'
import { decodeValue, encodeValue, propertyName } from './value.ts'

/** The object that an app works with, and how to find out what became of it. */
export interface Data {
  /** An ordinary object. A key is decoded when it is first read. */
  readonly object: object
  /** The data as blocks. Throws `unsupported-value`. */
  readonly blocks: () => Blocks
  /** Makes later changes throw what `refuse` throws, because nobody would save them. */
  readonly close: (refuse: Refuse) => void
}

/** Throws, saying why `what` cannot be done any more. */
export type Refuse = (what: string) => never

/** A key that came from the store. */
interface Slot {
  readonly block: Block
  readonly get: () => unknown
  decoded?: { readonly value: unknown }
}

interface State {
  readonly object: object
  readonly slots: Map<string, Slot>
  /** Set once the object is closed. */
  refuse: Refuse | null
}

/**
 * Makes the object for a snapshot. Each key is an enumerable accessor that replaces itself with the value
 * when it is read or assigned, so a key that was never touched still has its accessor, and its block is
 * passed on unseen.
 */
export function createData(base: Blocks): Data {
  const state: State = { object: {}, slots: new Map(), refuse: null }
  for (const [key, block] of base) defineLazily(state, key, block)
  return dataOf(state)
}

/** The same for an object that somebody else made (a schema's output): every key counts as touched. */
export function adoptData(object: object): Data {
  return dataOf({ object, slots: new Map(), refuse: null })
}

function dataOf(state: State): Data {
  return {
    object: state.object,
    blocks: () => readBlocks(state),
    close: (refuse) => close(state, refuse),
  }
}

function defineLazily(state: State, key: string, block: Block): void {
  const slot: Slot = {
    block,
    get: () => {
      const { value } = (slot.decoded ??= { value: decodeValue(key, block) })
      if (state.refuse) freeze(value)
      else defineValue(state.object, key, value)
      return value
    },
  }
  function set(this: object, value: unknown): void {
    state.refuse?.(assigning(key))
    // An object that inherits from the data gets a property of its own, as from a plain object.
    if (!defineValue(this, key, value)) throw new TypeError(`Cannot assign to ${key}: it is read-only`)
  }
  state.slots.set(key, slot)
  Object.defineProperty(state.object, key, {
    get: slot.get,
    set,
    enumerable: true,
    configurable: true,
  })
}

/** False, and nothing done, when the app has frozen the object. */
function defineValue(object: object, key: string, value: unknown): boolean {
  return Reflect.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}

function readBlocks(state: State): Blocks {
  const { object } = state
  if (Object.getOwnPropertySymbols(object).length > 0) {
    throw new SessionError(
      'unsupported-value',
      'session.data has a symbol as key, which a session cannot keep: use strings. Nothing was saved',
    )
  }
  const blocks = new Map<string, Block>()
  for (const key of Object.keys(object)) {
    blocks.set(key, untouched(state, key)?.block ?? encodeKey(object, key))
  }
  return blocks
}

function untouched(state: State, key: string): Slot | undefined {
  const slot = state.slots.get(key)
  if (slot === undefined) return undefined
  return Object.getOwnPropertyDescriptor(state.object, key)?.get === slot.get ? slot : undefined
}

function encodeKey(object: object, key: string): Block {
  if (key === '__proto__' || !key.isWellFormed()) {
    throw new SessionError(
      'unsupported-value',
      `session.data${propertyName(key)} is under a key that a session cannot keep: use another. ` +
        'Nothing was saved',
    )
  }
  return encodeValue(key, (object as Record<string, unknown>)[key])
}

/**
 * Gives every touched key a setter that says why it refuses (an untouched one has it already), and
 * forbids new keys and deletions. Values that came from the store are frozen all the way down; values
 * that the app put in may be in use elsewhere, and are left alone.
 */
function close(state: State, refuse: Refuse): void {
  state.refuse = refuse
  for (const key of Object.keys(state.object)) if (!untouched(state, key)) closeKey(state, key)
  Object.seal(state.object)
}

function closeKey(state: State, key: string): void {
  const value: unknown = (state.object as Record<string, unknown>)[key]
  const decoded = state.slots.get(key)?.decoded
  if (decoded !== undefined && decoded.value === value) freeze(value)
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

/** Freezing a Date, Map, Set or typed array does not stop its methods, so those are passed over. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return
  Object.freeze(value)
  for (const item of Object.values(value)) freeze(item)
}
