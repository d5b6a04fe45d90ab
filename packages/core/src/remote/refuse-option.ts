import { SessionError } from '../errors.ts'

/** Refuses an option of a store. `what`: what is wrong with it, or what it must be. */
export function refuseOptionOf(store: string, name: string, what: string): never {
  throw new SessionError('invalid-option', `${store}: ${name} ${what}`)
}

/** Refuses unknown keys: they are usually misspelt, and the default would apply silently. */
export function refuseUnknownOf(
  store: string,
  prefix: string,
  options: object,
  known: readonly string[],
): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  refuseOptionOf(store, prefix + unknown, `is not an option; the options are ${known.join(', ')}`)
}
