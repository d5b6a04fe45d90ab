import { ownMemory, takeOut } from '../crypto/arena.ts'
import type { Block } from '../rules/diff-and-merge.ts'
import { SessionError } from '../errors.ts'
import { decoder, encoder, negativeZeroMark, undefinedMark } from './value-codec.ts'
import { isWellFormed, maxDepth } from './wire-format.ts'

/**
 * Encodes the value of one top-level key. Preserves null, undefined, booleans, numbers, bigints, strings, plain
 * objects, arrays, Date, Map, Set and Uint8Array, nested up to 64 levels. For anything else, throws a `SessionError`
 * `unsupported-value` that names the path.
 */
export function encodeValue(key: string, value: unknown): Block {
  const place: Place = { path: [propertyName(key)], ancestors: [] }
  try {
    return takeOut(ownMemory, encoder.encodeSharedRef(prepare(value, place)))
  } catch (error) {
    if (error instanceof SessionError) throw error
    // A Proxy of a Map, or a getter that throws: the path still points to the value that failed.
    return refuse(place, 'something that cannot be read', 'store plain data', error)
  }
}

/**
 * Decodes one block. The result shares no memory with it. Throws `damaged-value`, also for values that `encodeValue`
 * would refuse, since a session with one could not be saved again.
 */
export function decodeValue(key: string, block: Block): unknown {
  try {
    if (isWellFormed(block)) {
      const value = decoder.decode(block)
      if (block.some(isSuspect)) prepare(value, { path: [], ancestors: [] })
      return value
    }
  } catch {
    // Any decoder error. The error below says all that may be disclosed.
  }
  throw new SessionError(
    'damaged-value',
    `session.data${propertyName(key)} is damaged in the store`,
  )
}

/**
 * Of decodable values, `encodeValue` refuses only lone surrogates and invalid dates. Such text contains the byte 0xED,
 * and a date has the extension type 0xFF. Without a byte from 0xED up, nothing needs checking.
 */
function isSuspect(byte: number): boolean {
  return byte >= 0xed
}

interface Place {
  readonly path: string[]
  readonly ancestors: object[]
}

function refuse(place: Place, what: string, remedy: string, cause?: unknown): never {
  return refuseData(place.path.join(''), `is ${what}, which`, `: ${remedy}`, cause)
}

/** `path`: below `session.data`. `what` ends in `which` or `that`. */
export function refuseData(path: string, what: string, remedy: string, cause?: unknown): never {
  throw new SessionError(
    'unsupported-value',
    `session.data${path} ${what} a session cannot keep${remedy}. Nothing was saved`,
    cause === undefined ? undefined : { cause },
  )
}

/**
 * Checks a value, and replaces undefined and -0, which MessagePack cannot represent, with their marks. Parts without
 * such values are not copied.
 */
function prepare(value: unknown, place: Place): unknown {
  switch (typeof value) {
    case 'undefined':
      return undefinedMark
    case 'number':
      return Object.is(value, -0) ? negativeZeroMark : value
    case 'string':
      return prepareText(value, place)
    case 'function':
      return refuse(place, 'a function', 'store plain data')
    case 'symbol':
      return refuse(place, 'a symbol', 'store a string')
    case 'object':
      return value === null ? null : prepareObject(value, place)
    default:
      return value
  }
}

function prepareText(value: string, place: Place): string {
  if (value.isWellFormed()) return value
  return refuse(place, 'text with half a surrogate pair', 'use toWellFormed(), or store bytes')
}

function prepareObject(value: object, place: Place): unknown {
  if (place.ancestors.includes(value)) refuse(place, 'a cycle', 'store a tree')
  if (place.ancestors.length >= maxDepth) refuse(place, 'nested too deep', `at most ${maxDepth}`)
  place.ancestors.push(value)
  const prepared = prepareContainer(value, place)
  place.ancestors.pop()
  return prepared
}

function prepareContainer(value: object, place: Place): unknown {
  if (Array.isArray(value)) return prepareArray(value, place)
  const prototype: unknown = Object.getPrototypeOf(value)
  switch (prototype) {
    case Date.prototype:
      return prepareDate(unnamed(value, place) as Date, place)
    case Map.prototype:
      return prepareMap(unnamed(value, place) as Map<unknown, unknown>, place)
    case Set.prototype:
      return prepareSet(unnamed(value, place) as Set<unknown>, place)
    case Uint8Array.prototype:
      return value
    default:
      return isPlain(value, prototype)
        ? preparePlain(value as Record<string, unknown>, place)
        : refuse(place, describe(value), 'store plain data, and build it again from that')
  }
}

/** Accepts objects from another realm and without a prototype; they are loaded as ordinary objects. */
export function isPlain(value: object, prototype: unknown): boolean {
  if (Symbol.toStringTag in value || Symbol.iterator in value) return false
  return (
    prototype === null ||
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'valueOf'))
  )
}

function describe(value: object): string {
  if (value instanceof Uint8Array) return 'a subclass of Uint8Array, such as Buffer'
  const { constructor } = (Object.getPrototypeOf(value) ?? {}) as { constructor?: unknown }
  const name = typeof constructor === 'function' ? constructor.name : ''
  return name === '' ? 'not a plain object' : `an instance of ${name}`
}

/** Not used for bytes, where it would list every index. The methods that `refuseMethods` defines are not enumerable. */
function unnamed(value: object, place: Place): object {
  if (Object.keys(value).length > 0 || Object.getOwnPropertySymbols(value).length > 0)
    refuse(place, `${describe(value)} with named properties`, 'use an object')
  return value
}

function prepareDate(value: Date, place: Place): Date {
  if (Number.isNaN(value.getTime())) refuse(place, 'an invalid Date', 'store a valid one, or null')
  return value
}

function prepareArray(value: readonly unknown[], place: Place): unknown[] {
  // Array.prototype is an array in every realm; the prototype of a subclass is not.
  if (!Array.isArray(Object.getPrototypeOf(value)))
    refuse(place, describe(value), 'store a plain array')
  const keys = Reflect.ownKeys(value)
  // `ownKeys` lists the elements in order, then `length`, which must be last.
  if (keys.length !== value.length + 1 || keys.at(-1) !== 'length') {
    refuse(place, 'an array with holes or named properties', 'fill it, or use an object')
  }
  return replaceChanged(value, (item, at) => prepareAt(item, `[${at}]`, place))
}

function prepareMap(value: ReadonlyMap<unknown, unknown>, place: Place): Map<unknown, unknown> {
  let at = 0
  const prepared: [unknown, unknown][] = []
  for (const [key, item] of value) {
    const step = `{entry ${at++}}`
    prepared.push([prepareAt(key, step, place), prepareAt(item, step, place)])
  }
  return new Map(prepared)
}

function prepareSet(value: ReadonlySet<unknown>, place: Place): Set<unknown> {
  return new Set(replaceChanged([...value], (item, at) => prepareAt(item, `{entry ${at}}`, place)))
}

function preparePlain(value: Record<string, unknown>, place: Place): Record<string, unknown> {
  if (Object.getOwnPropertySymbols(value).length > 0) {
    refuse(place, 'an object with a symbol as key', 'use strings as keys')
  }
  const keys = Object.keys(value)
  let copy: Record<string, unknown> | undefined
  for (const key of keys) {
    const item = value[key]
    const prepared = prepareKeyed(key, item, place)
    if (prepared !== item) (copy ??= { ...value })[key] = prepared
  }
  return copy ?? value
}

function prepareKeyed(key: string, item: unknown, place: Place): unknown {
  const step = propertyName(key)
  if (key === '__proto__') {
    place.path.push(step)
    refuse(place, 'under a key that would become its prototype', 'use another key')
  }
  if (!key.isWellFormed())
    refuse(place, 'an object with half a surrogate pair in a key', 'use text')
  return prepareAt(item, step, place)
}

function prepareAt(item: unknown, step: string, place: Place): unknown {
  place.path.push(step)
  const prepared = prepare(item, place)
  place.path.pop()
  return prepared
}

function replaceChanged(
  items: readonly unknown[],
  change: (item: unknown, at: number) => unknown,
): unknown[] {
  let copy: unknown[] | undefined
  items.forEach((item, at) => {
    const changed = change(item, at)
    if (changed !== item) (copy ??= [...items])[at] = changed
  })
  return copy ?? (items as unknown[])
}

/** A key as a property access in code. */
export function propertyName(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}
