import { SessionError } from '@coatcheck/core'

/** Refuses an option. `what` says what is wrong with it, or what it must be. */
export function refuseOption(name: string, what: string): never {
  throw new SessionError('invalid-option', `memcachedStore: ${name} ${what}`)
}

/** Refuses unknown keys: they are usually misspelt, and the default would apply silently. */
export function refuseUnknown(prefix: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  refuseOption(prefix + unknown, `is not an option; the options are ${known.join(', ')}`)
}
