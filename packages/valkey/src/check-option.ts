import { refuseOptionOf, refuseUnknownOf } from '@coatcheck/core/remote'

/** Refuses an option. `what`: what is wrong with it, or what it must be. */
export function refuseOption(name: string, what: string): never {
  return refuseOptionOf('valkeyStore', name, what)
}

/** Refuses unknown keys: they are usually misspelt, and the default would apply silently. */
export function refuseUnknown(prefix: string, options: object, known: readonly string[]): void {
  refuseUnknownOf('valkeyStore', prefix, options, known)
}
