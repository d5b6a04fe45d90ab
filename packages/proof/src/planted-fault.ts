import type { Semantics } from './fake-memcached.ts'
import { memcachedSemantics } from './fake-memcached.ts'

/** A passage of the core's source, and its replacement. */
export interface Edit {
  /** Relative to the `src` of the package in which the fault is planted, by default the core. */
  readonly file: string
  /** Text or a pattern that occurs exactly once. */
  readonly find: string | RegExp
  readonly put: string
}

/** A fault, and the number of schedules within which the laws must find it. */
export interface PlantedFault {
  readonly name: string
  /** The row of real-world failing inputs that it represents: A1, B1 and so on. */
  readonly row?: string
  readonly edits: readonly Edit[]
  readonly semantics: Semantics
  readonly within: number
  /**
   * Whether it is found by the number of commands. For other faults that law is not checked, because planting one may
   * add commands.
   */
  readonly isCost?: boolean
}

/** A fault in the core's source. */
export function plant(name: string, within: number, ...edits: readonly Edit[]): PlantedFault {
  return { name, within, edits, semantics: memcachedSemantics }
}

/** A fault of the kind shown by a row of real-world inputs. */
export function plantRow(
  row: string,
  name: string,
  within: number,
  ...edits: readonly Edit[]
): PlantedFault {
  return { ...plant(name, within, ...edits), row }
}
