import type { Address } from '../crypto/record-address.ts'
import type { StandardSchema } from '../data/schema.ts'
import { emptyBlocks, shapeBlocks } from '../data/schema.ts'
import type { OnEvent } from '../events.ts'
import { idPrefixOf } from '../events.ts'
import type { Blocks } from '../rules/diff-and-merge.ts'
import type { SessionRecord } from '../store/record.ts'

export interface ShapeContext {
  readonly schema: StandardSchema | null
  readonly onEvent: OnEvent
}

/**
 * A record with its data as the schema gives them: every merge is between data that have been through the schema.
 * `null` if the schema refuses them.
 */
export async function shapeRecord(
  { schema, onEvent }: ShapeContext,
  { id }: Address,
  record: SessionRecord,
): Promise<SessionRecord | null> {
  if (schema === null) return record
  const shape = await shapeBlocks(schema, record.blocks)
  if (shape !== null) return { ...record, ...shape }
  onEvent({ type: 'record.unreadable', idPrefix: idPrefixOf(id), reason: 'schema' })
  return null
}

/** The data that a new session begins with. */
export async function emptyBase({ schema }: Pick<ShapeContext, 'schema'>): Promise<Blocks> {
  return schema === null ? new Map() : emptyBlocks(schema)
}
