import { same } from './same-value.ts'

/**
 * The three values of a key that two requests changed at the same time. `undefined`: that side has no
 * such key (or holds undefined under it).
 */
export interface Versions<value> {
  /** As it was when this request loaded it. */
  readonly base: value | undefined
  /** What this request made of it. */
  readonly ours: value | undefined
  /** What the store holds now, saved by others in between. */
  readonly theirs: value | undefined
}

/**
 * Settles one contested key; `undefined` deletes it. Must be pure: it may be called more than once for one
 * save, and must not change its arguments. `theirs` has the type that the app stored, which is not checked.
 */
export type Resolver<value> = (versions: Versions<value>) => value | undefined

/** A resolver of any value. */
export type AnyResolver = (versions: never) => unknown

/**
 * For counters and balances: both sides' differences are applied.
 *
 * Law: the result is `base + (ours - base) + (theirs - base)`, a missing side counting as 0, so any number
 * of savers in any order end with the base and the sum of their differences (exactly for integers up to
 * 2^53; for fractions up to rounding). Throws a TypeError for what is not a number.
 */
export function sum({ base, ours, theirs }: Versions<number>): number {
  // In this order, so that what is in between is as small as can be.
  return numberOf(ours) + (numberOf(theirs) - numberOf(base))
}

function numberOf(value: number | undefined): number {
  if (value === undefined) return 0
  if (typeof value !== 'number') throw new TypeError('sum merges numbers')
  return value
}

type Collection = readonly unknown[] | ReadonlySet<unknown>

/**
 * For lists and Sets in which an element is there or not: what either side added is in, what either side
 * removed is out. Elements are compared by value, all the way down.
 *
 * Law: an element is in the result exactly if one side added it, or if `base` had it and neither side
 * removed it; the outcome as a set does not depend on who saved first. Theirs come first, in their order;
 * then what we added, in ours. An array keeps repeated elements that it had. Throws a TypeError for what
 * is neither an array nor a Set.
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
 * For lists that grow at their end, such as messages: what either side appended is in, repeated elements too, and what
 * either side took off the front is out.
 *
 * Law: theirs come first, then what we appended, in our order; no element that was appended is lost, and none comes
 * twice. A side that changed the list in any other way counts as one that emptied it and appended what is left.
 * Elements are compared by value, all the way down. Throws a TypeError for what is no array.
 */
export function append<value extends readonly unknown[]>(
  versions: Versions<value>,
): value | undefined {
  return appendUpTo(Infinity)(versions)
}

/**
 * `append` that keeps the last `limit` elements, at least 1. It settles what two requests appended: one request alone
 * has to keep the limit itself, by `list.slice(-limit)`. Throws a RangeError for another limit.
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

/** How many of the last elements of `base` are the first of `list`: by Knuth, Morris and Pratt, in linear time. */
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
 * For plain objects and Maps whose entries are changed one by one: merges them by their own keys, as the
 * session merges its own. An entry that both sides changed is settled by `resolver` (default: ours).
 *
 * Law: an entry that only one side changed is as that side left it; entries that neither side changed stay. If
 * no entry was changed by both, the result does not depend on which saved first; otherwise it depends on
 * `resolver` alone. Map keys are compared as Map does. Throws a TypeError for what is neither a plain
 * object nor a Map, and for a Map with objects as keys, which would never match.
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

/** `byKeyWith` where an entry that both sides changed is ours, as a whole. */
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
 * For high-water marks: the greater of both sides.
 *
 * Law: commutative, associative, idempotent; a missing side, and NaN, is less than anything (0 and -0 are
 * one). Numbers, bigints, strings (by UTF-16 code unit) and Dates. Throws a TypeError for anything else,
 * or for two kinds at once.
 */
export function max<value extends Comparable>({
  ours,
  theirs,
}: Versions<value>): value | undefined {
  return pick('max', ours, theirs, (left, right) => left > right)
}

/** For low-water marks: the lesser of both sides; otherwise as `max`: a value wins over a missing side. */
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
