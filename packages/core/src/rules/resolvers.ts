import { same } from './same-value.ts'

/**
 * The three versions of a key that two requests changed at the same time. `undefined`: that version does not have the
 * key, or its value is undefined.
 */
export interface Versions<value> {
  /** The value that this request loaded. */
  readonly base: value | undefined
  /** The value that this request wants to save. */
  readonly ours: value | undefined
  /** The value in the store now, saved by another request. */
  readonly theirs: value | undefined
}

/**
 * Merges a key that two requests changed. Returns the merged value; `undefined` deletes the key. It must be pure and
 * must not change its arguments: it can be called more than once for one save. The type of `theirs` is not checked at
 * run time. An error that it throws becomes a `SessionError` `merge-failed`.
 */
export type Resolver<value> = (versions: Versions<value>) => value | undefined

/** A resolver for values of any type. */
export type AnyResolver = (versions: never) => unknown

/**
 * Merges counters and balances: adds the changes of both sides.
 *
 * Law: the result is `base + (ours - base) + (theirs - base)`; a missing value counts as 0. Any number of requests, in
 * any order, end with the base plus the sum of their changes: exactly for integers up to 2^53, and up to rounding for
 * fractions. Throws a TypeError if a value is not a number.
 */
export function sum({ base, ours, theirs }: Versions<number>): number {
  // In this order, to keep the intermediate result small.
  return numberOf(ours) + (numberOf(theirs) - numberOf(base))
}

function numberOf(value: number | undefined): number {
  if (value === undefined) return 0
  if (typeof value !== 'number') throw new TypeError('sum merges numbers')
  return value
}

type Collection = readonly unknown[] | ReadonlySet<unknown>

/**
 * Merges arrays and Sets that are used as sets: keeps what either side added, and drops what either side removed.
 * Elements are compared deeply, by value.
 *
 * Law: the result has an element if a side added it, or if `base` had it and neither side removed it. The set of
 * elements does not depend on which request saved first. The elements of `theirs` come first, then those that only
 * `ours` added, each in their own order. An array keeps repeated elements. Throws a TypeError if a value is neither an
 * array nor a Set.
 */
export function union<value extends Collection>(versions: Versions<value>): value | undefined {
  const base = itemsOf(versions.base)
  const ours = itemsOf(versions.ours)
  const theirs = itemsOf(versions.theirs)
  const removed = without(base, ours)
  const added = without(without(ours, base), theirs)
  const merged = [...without(theirs, removed), ...added]
  if (merged.length === 0 && versions.ours === undefined) return undefined
  const isSet = (versions.ours ?? versions.theirs) instanceof Set
  return (isSet ? new Set(merged) : merged) as unknown as value
}

function itemsOf(value: Collection | undefined): readonly unknown[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  if (value instanceof Set) return [...value]
  throw new TypeError('union merges arrays and Sets')
}

function without(items: readonly unknown[], others: readonly unknown[]): readonly unknown[] {
  if (others.length === 0) return items
  const primitives = new Set(others.filter((other) => !isObject(other)))
  const objects = others.filter(isObject)
  return items.filter((item) =>
    isObject(item) ? !objects.some((other) => same(item, other)) : !primitives.has(item),
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/**
 * Merges arrays that grow at their end, such as messages: keeps what either side appended, including repeated elements,
 * and drops what either side removed from the front.
 *
 * Law: the elements of `theirs` come first, then those that `ours` appended, in order. No appended element is lost or
 * doubled. If a side changed the list in another way, it counts as emptied and refilled. Elements are compared deeply,
 * by value. Throws a TypeError if a value is not an array.
 */
export function append<value extends readonly unknown[]>(
  versions: Versions<value>,
): value | undefined {
  return appendUpTo(Infinity)(versions)
}

/**
 * Makes a resolver like `append` that keeps only the last `limit` elements. It runs only when two requests changed the
 * list: otherwise your code must apply the limit, with `list.slice(-limit)`. Throws a RangeError unless `limit` is a
 * whole number from 1, or Infinity.
 */
export function appendUpTo(
  limit: number,
): <value extends readonly unknown[]>(versions: Versions<value>) => value | undefined {
  if (!(limit === Infinity || Number.isSafeInteger(limit)) || limit < 1) {
    throw new RangeError('appendUpTo: the limit must be a whole number from 1')
  }
  return (versions) => {
    const base = listOf(versions.base)
    const ours = listOf(versions.ours)
    const theirs = listOf(versions.theirs)
    const weKept = overlap(base, ours)
    const theyKept = overlap(base, theirs)
    const kept = base.slice(base.length - Math.min(weKept, theyKept))
    const merged = [...kept, ...theirs.slice(theyKept), ...ours.slice(weKept)]
    if (merged.length === 0 && versions.ours === undefined) return undefined
    const last = limit === Infinity ? merged : merged.slice(-limit)
    return last as readonly unknown[] as NonNullable<typeof versions.ours>
  }
}

function listOf(value: readonly unknown[] | undefined): readonly unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new TypeError('append merges arrays')
  return value
}

/**
 * The length of the longest suffix of `base` that is a prefix of `list`, by the Knuth-Morris-Pratt algorithm in linear
 * time.
 */
function overlap(base: readonly unknown[], list: readonly unknown[]): number {
  const borders: number[] = [0]
  const grow = (length: number, item: unknown): number => {
    let from = length
    while (from > 0 && (from === list.length || !same(list[from], item)))
      from = borders[from - 1] as number
    return from < list.length && same(list[from], item) ? from + 1 : from
  }
  for (let at = 1; at < list.length; at++) borders[at] = grow(borders[at - 1] as number, list[at])
  return base.reduce<number>(grow, 0)
}

type Keyed = object | ReadonlyMap<unknown, unknown>

/**
 * Makes a resolver that merges plain objects or Maps entry by entry. `resolver` merges an entry that both sides
 * changed.
 *
 * Law: an entry that one side changed has the value of that side; other entries are unchanged. If no entry was changed
 * by both sides, the result does not depend on which request saved first; otherwise that depends on `resolver`. Map
 * keys are compared as Map does. Throws a TypeError if a value is neither a plain object nor a Map, or for a Map with
 * objects as keys, which would never match.
 */
export function byKeyWith(
  resolver: AnyResolver,
): <value extends Keyed>(versions: Versions<value>) => value | undefined {
  const settle = resolver as Resolver<unknown>
  return (versions) => {
    const base = entriesOf(versions.base)
    const ours = entriesOf(versions.ours)
    const merged = new Map(entriesOf(versions.theirs))
    for (const key of new Set([...base.keys(), ...ours.keys()])) {
      mergeEntry(key, base, ours, merged, settle)
    }
    if (merged.size === 0 && versions.ours === undefined) return undefined
    const isMap = (versions.ours ?? versions.theirs ?? versions.base) instanceof Map
    return (isMap ? merged : fromEntries(merged)) as unknown as typeof versions.ours
  }
}

/** Merges plain objects or Maps entry by entry. If both sides changed an entry, the later save wins. */
export const byKey: <value extends Keyed>(versions: Versions<value>) => value | undefined =
  byKeyWith(({ ours }: Versions<unknown>) => ours)

function mergeEntry(
  key: unknown,
  base: ReadonlyMap<unknown, unknown>,
  ours: ReadonlyMap<unknown, unknown>,
  merged: Map<unknown, unknown>,
  settle: Resolver<unknown>,
): void {
  const versions = { base: base.get(key), ours: ours.get(key), theirs: merged.get(key) }
  const weKept = base.has(key) === ours.has(key) && same(versions.base, versions.ours)
  if (weKept) return
  const theyKept = base.has(key) === merged.has(key) && same(versions.base, versions.theirs)
  const bothDeleted = !ours.has(key) && !merged.has(key)
  if (bothDeleted) return
  const settled = theyKept ? versions.ours : settle(versions)
  const absent = theyKept ? !ours.has(key) : settled === undefined
  if (absent) merged.delete(key)
  else merged.set(key, settled)
}

function entriesOf(value: Keyed | undefined): ReadonlyMap<unknown, unknown> {
  if (value === undefined) return new Map()
  if (value instanceof Map) {
    if ([...value.keys()].some(isObject))
      throw new TypeError('byKey merges Maps without objects as keys')
    return value
  }
  if (isObject(value) && Object.getPrototypeOf(value) === Object.prototype) {
    return new Map<unknown, unknown>(Object.entries(value))
  }
  throw new TypeError('byKey merges plain objects and Maps')
}

function fromEntries(entries: ReadonlyMap<unknown, unknown>): object {
  return Object.fromEntries(entries as ReadonlyMap<string, unknown>)
}

type Comparable = number | bigint | string | Date

/**
 * Keeps the greater value of both sides: numbers, bigints, strings (by UTF-16 code unit) or Dates.
 *
 * Law: commutative, associative, idempotent. A missing value and NaN are less than any other; 0 and -0 are equal.
 * Throws a TypeError for values of another type, or of two different types.
 */
export function max<value extends Comparable>({
  ours,
  theirs,
}: Versions<value>): value | undefined {
  return pick('max', ours, theirs, (left, right) => left > right)
}

/** Keeps the lesser value of both sides. Like `max`, it prefers any value to a missing one or NaN. */
export function min<value extends Comparable>({
  ours,
  theirs,
}: Versions<value>): value | undefined {
  return pick('min', ours, theirs, (left, right) => left < right)
}

function pick<value extends Comparable>(
  name: string,
  ours: value | undefined,
  theirs: value | undefined,
  beats: (left: value, right: value) => boolean,
): value | undefined {
  const kinds = new Set([ours, theirs].filter((side) => !isNothing(side)).map(kindOf))
  if (kinds.size > 1 || kinds.has(undefined)) {
    throw new TypeError(`${name} merges two numbers, bigints, strings or Dates`)
  }
  if (isNothing(ours) || isNothing(theirs)) return isNothing(theirs) ? (ours ?? theirs) : theirs
  return beats(theirs, ours) ? theirs : ours
}

function isNothing(value: unknown): value is undefined {
  return value === undefined || Number.isNaN(value)
}

function kindOf(value: unknown): string | undefined {
  if (value instanceof Date) return 'date'
  const kind = typeof value
  return kind === 'number' || kind === 'bigint' || kind === 'string' ? kind : undefined
}
