import type { Refuse } from './lazy-object.ts'

/** Methods that change a value in place, by the prototype of the values that have them. */
const mutators: ReadonlyMap<unknown, readonly string[]> = new Map<unknown, readonly string[]>([
  [Map.prototype, ['set', 'delete', 'clear', 'getOrInsert', 'getOrInsertComputed']],
  [Set.prototype, ['add', 'delete', 'clear']],
  [
    Date.prototype,
    Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set')),
  ],
  [
    Uint8Array.prototype,
    ['set', 'fill', 'copyWithin', 'reverse', 'sort', 'setFromHex', 'setFromBase64'],
  ],
])

/** Whether freezing the value would not stop its methods: a Map, Set, Date or Uint8Array. */
export function hasMutators(value: object): boolean {
  return mutators.has(Object.getPrototypeOf(value))
}

/**
 * Makes the methods of a Map, Set, Date or Uint8Array that would change it throw what `refuse` throws. `name`: of the
 * value. The elements of a Uint8Array can still be assigned.
 */
export function refuseMethods(value: object, name: () => string, refuse: Refuse): void {
  for (const method of mutators.get(Object.getPrototypeOf(value)) ?? []) {
    if (!(method in value)) continue
    // Reflect: the app may have frozen it.
    Reflect.defineProperty(value, method, {
      value: () => refuse(`${name()}.${method}()`),
      configurable: true,
    })
  }
}
