import { SessionError } from './errors.ts'
import type { OnEvent } from './events.ts'
import { readVariable } from './runtime.ts'

/** Rejects an option. `what` says what is wrong and what to do. */
export function refuseOption(name: string, what: string): never {
  throw new SessionError('invalid-option', `createSessions: ${name} ${what}`)
}

/** Reports a setting that is allowed but may be a mistake. */
export function warn(onEvent: OnEvent, what: string): void {
  onEvent({ type: 'warning', what: `createSessions: ${what}` })
}

/** Refuses unknown keys: they are usually misspelt, and the default would apply silently. */
export function refuseUnknown(name: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) refuseOption(name, 'must be an object')
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) {
    refuseOption(`${name}.${unknown}`, `is no option: there are ${known.join(', ')}`)
  }
}

/** Checks a whole number of seconds or bytes between two bounds. */
export function readWhole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  return refuseOption(name, `must be a whole number from ${least} to ${most}`)
}

/** Refuses non-booleans. Forms and headers give text, and any text is truthy, even `'off'`. */
export function checkBoolean(name: string, value: boolean, of = 'createSessions'): void {
  if (typeof value === 'boolean') return
  throw new SessionError('invalid-option', `${of}: ${name} must be true or false`)
}

/** Whether NODE_ENV is `production`, where it can be read. */
export function isProduction(): boolean {
  return readVariable('NODE_ENV') === 'production'
}
