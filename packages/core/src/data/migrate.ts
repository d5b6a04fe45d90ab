import type { Blocks } from '../rules/diff-and-merge.ts'
import { blocksOf, objectOf } from './schema.ts'
import { isPlain } from './value.ts'

/** How stored data of an earlier shape are carried over. */
export interface MigrateOptions {
  /**
   * The version of the shape that this code works with, a whole number from 1. It is written into every record. A record
   * that was stored without the option `migrate` has the version 0, and code without the option works with that alone:
   * so keep the option once records have a version. 0 is for the first step of the first migration, with `reads: 1`.
   */
  readonly version: number
  /**
   * Makes data of `version` out of data of an earlier version `from`: changes the object that it is given, or returns
   * another plain object. Must be pure and at once: it is called at every load until the session is saved, and for what
   * another request has saved meanwhile. If it throws or returns something else, such as a Promise, the session is
   * `unavailable`, and its record stays as it is. What it throws is told to no listener, because its text may hold a value
   * of the session: catch it in `up`, log what is safe, and throw it on.
   */
  readonly up: (data: Record<string, unknown>, from: number) => (object & NotAsync) | void
  /**
   * The newest version that this code can work with as it is, for a deploy in two steps. A record of it is read and
   * saved, and keeps its version. A session of a still newer version is `unavailable`, and so is a change of data that
   * another process has carried over since they were loaded. Default: `version`.
   */
  readonly reads?: number
}

/** What no promise is. */
interface NotAsync {
  readonly then?: never
}

export type Migration = Required<MigrateOptions>

/** Why data are not given to the app: written by a newer version of it, or `up` has thrown. */
export type NotMigrated = 'newer-version' | 'migration'

interface Versioned {
  readonly blocks: Blocks
  readonly version?: number | undefined
}

/** Data of the version that this code works with. Without a migration that is 0. */
export function migrate<record extends Versioned>(
  migration: Migration | null,
  record: record,
): record | NotMigrated {
  const { version: from = 0, blocks } = record
  if (migration === null) return from === 0 ? record : 'newer-version'
  const { version, reads, up } = migration
  if (from >= version) return from <= reads ? record : 'newer-version'
  try {
    const data = objectOf(blocks) as Record<string, unknown>
    return { ...record, blocks: blocksOf(readResult(up(data, from), data)), version }
  } catch {
    return 'migration'
  }
}

/** A promise, a Map or a text has no keys of its own, and would leave the session empty. */
function readResult(result: unknown, changed: object): object {
  if (result === undefined) return changed
  const isObject = typeof result === 'object' && result !== null
  if (isObject && isPlain(result, Object.getPrototypeOf(result))) return result
  throw new TypeError('migrate.up must change the object that it is given, or return a plain one')
}
