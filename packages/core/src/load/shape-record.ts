import type { Address } from '../crypto/record-address.ts'
import { migrate } from '../data/migrate.ts'
import type { Migration, NotMigrated } from '../data/migrate.ts'
import type { StandardSchema } from '../data/schema.ts'
import { emptyBlocks, shapeBlocks } from '../data/schema.ts'
import type { OnEvent } from '../events.ts'
import { idPrefixOf } from '../events.ts'
import type { Blocks } from '../rules/diff-and-merge.ts'
import type { SessionRecord } from '../store/record.ts'

export interface ShapeContext {
  readonly schema: StandardSchema | null
  readonly migration: Migration | null
  readonly onEvent: OnEvent
}

/** Why a record is not given to the app. `schema`: the schema refuses its data. */
export type NotShaped = NotMigrated | 'schema'

/**
 * The record with its data migrated to the app's version and parsed by the schema. Every merge is between data that
 * went through both.
 */
export async function shapeRecord(
  context: ShapeContext,
  { id }: Address,
  record: SessionRecord,
): Promise<SessionRecord | NotShaped> {
  const shaped = await shaping(context, record)
  if (typeof shaped !== 'string') return shaped
  context.onEvent({ type: 'record.unreadable', idPrefix: idPrefixOf(id), reason: shaped })
  return shaped
}

async function shaping(
  { schema, migration }: ShapeContext,
  record: SessionRecord,
): Promise<SessionRecord | NotShaped> {
  const current = migrate(migration, record)
  if (schema === null || typeof current === 'string') return current
  const shape = await shapeBlocks(schema, current.blocks)
  return shape === null ? refusedAs(migration, record) : { ...current, ...shape }
}

/** Data of another version is kept: the code that wrote it, or a later version, can read it. */
function refusedAs(migration: Migration | null, { version = 0 }: SessionRecord): NotShaped {
  const own = migration?.version ?? 0
  if (version === own) return 'schema'
  return version > own ? 'newer-version' : 'migration'
}

/** The data of a new session. */
export async function emptyBase({ schema }: Pick<ShapeContext, 'schema'>): Promise<Blocks> {
  return schema === null ? new Map() : emptyBlocks(schema)
}
