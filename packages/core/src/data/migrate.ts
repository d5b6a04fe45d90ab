import type { Blocks } from '../rules/diff-and-merge.ts'
import { blocksOf, objectOf } from './schema.ts'
import { isPlain } from './value.ts'

/** How stored data is converted from an earlier version. */
export interface MigrateOptions {
  /**
   * The data version that this code uses, a whole number from 1. Every record stores its version. A record that was
   * saved without the option `migrate` has version 0. Code without the option reads only version 0, so keep the option
   * once records have a version. Use 0, with `reads: 1`, only for the first deploy of your first migration.
   */
  readonly version: number
  /**
   * Converts data from the earlier version `from` to `version`. Change the given object, or return another plain
   * object. It must be pure and synchronous: it runs at every load until the session is saved, and on data that another
   * request has saved in the meantime. If it throws or returns anything else, such as a Promise, the session is
   * `unavailable` and its record is unchanged. Listeners do not receive the error, because its message may contain
   * session data. To log it, catch it in `up`, log what is safe, and throw it again.
   */
  readonly up: (data: Record<string, unknown>, from: number) => (object & NotAsync) | void
  /**
   * The newest version that this code can read unchanged, for a deploy in two steps. A record of a version from
   * `version` to `reads` is loaded and saved, and keeps its version. A session with a newer version is `unavailable`.
   * So is a save if another process has converted the data since this request loaded it. Default: `version`.
   */
  readonly reads?: number
}

/** Matches any object that is not a promise. */
interface NotAsync {
  readonly then?: never
}

export type Migration = Required<MigrateOptions>

/** Why data cannot be used: a newer version of the app wrote it, or `up` threw. */
export type NotMigrated = 'newer-version' | 'migration'

interface Versioned {
  readonly blocks: Blocks
  readonly version?: number | undefined
}

/** Returns the record with data of the version that this code uses; without a migration, version 0. */
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

/** Rejects a promise, a Map or a string: none has own keys, so the session would be empty. */
function readResult(result: unknown, changed: object): object {
  if (result === undefined) return changed
  const isObject = typeof result === 'object' && result !== null
  if (isObject && isPlain(result, Object.getPrototypeOf(result))) return result
  throw new TypeError('migrate.up must change the object that it is given, or return a plain one')
}
