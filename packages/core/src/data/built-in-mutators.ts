/** The mutating methods of each prototype. */
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

/** Whether freezing does not stop the value's methods: a Map, Set, Date or Uint8Array. */
export function hasMutators(value: object): boolean {
  return mutators.has(Object.getPrototypeOf(value))
}

/**
 * Makes the mutating methods of a Map, Set, Date or Uint8Array throw through `refuse`. `name`: of the value. Elements
 * of a Uint8Array can still be assigned.
 */
export function refuseMethods(
  value: object,
  name: () => string,
  refuse: (what: string) => void,
): void {
  for (const method of mutators.get(Object.getPrototypeOf(value)) ?? []) {
    if (!(method in value)) continue
    // Not `Object.defineProperty`: the app may have frozen the value.
    Reflect.defineProperty(value, method, {
      value: () => refuse(`${name()}.${method}()`),
      configurable: true,
    })
  }
}
