import type { Semantics } from './fake-memcached.ts'
import { memcachedSemantics } from './fake-memcached.ts'

/** One passage of the core's own text, and what stands there instead. */
export interface Edit {
  /** In the `src` of the package that it is planted in: the core, if nothing else is said. */
  readonly file: string
  /** Text, or a pattern, that is there exactly once. */
  readonly find: string | RegExp
  readonly put: string
}

/** A fault, and how many schedules the laws need at most to find it. */
export interface PlantedFault {
  readonly name: string
  /** Of the inputs that failed once: A1, B1 and so on. */
  readonly row?: string
  readonly edits: readonly Edit[]
  readonly semantics: Semantics
  readonly within: number
  /** It is found by the number of commands. Where it is not, that law is not asked: to plant a fault may take some. */
  readonly isCost?: boolean
}

/** A fault in the core's own text. */
export function plant(name: string, within: number, ...edits: readonly Edit[]): PlantedFault {
  return { name, within, edits, semantics: memcachedSemantics }
}

/** A fault of the kind that a row of inputs from practice is an example of. */
export function plantRow(
  row: string,
  name: string,
  within: number,
  ...edits: readonly Edit[]
): PlantedFault {
  return { ...plant(name, within, ...edits), row }
}
