import type { CommitContext } from '../commit/context.ts'
import { createData } from '../data/lazy-object.ts'
import type { Data } from '../data/lazy-object.ts'
import { withheld } from '../load/load.ts'
import type { Found } from '../load/load.ts'
import { emptyBase, shapeRecord } from '../load/shape-record.ts'
import type { NotShaped } from '../load/shape-record.ts'
import type { Blocks } from '../rules/diff-and-merge.ts'

/** What was found, and the data for the handler. `base`: the snapshot that changes are compared with. */
export interface Shaped {
  readonly found: Found
  readonly data: Data
  readonly base: Blocks
}

/**
 * Creates the data of the session that was found. The base is the schema's output, so that defaults do not count as
 * changes. A record that the schema refuses counts as no session.
 */
export function shape(context: CommitContext, found: Found): Shaped | Promise<Shaped> {
  const record = found.loaded?.record
  const isPlain = context.schema === null && context.migration === null && !record?.version
  return isPlain ? shapedAs(found, record?.blocks ?? noBlocks) : shapeBySchema(context, found)
}

const noBlocks: Blocks = new Map()

async function shapeBySchema(context: CommitContext, found: Found): Promise<Shaped> {
  const shaped = await shapeFound(context, found)
  return shapedAs(shaped, shaped.loaded?.record.blocks ?? (await emptyBase(context)))
}

function shapedAs(found: Found, base: Blocks): Shaped {
  return { found, data: createData(base), base }
}

async function shapeFound(context: CommitContext, found: Found): Promise<Found> {
  const { loaded } = found
  if (loaded === null) return found
  const record = await shapeRecord(context, loaded.address, loaded.record)
  if (typeof record === 'string') return notShaped(found, record)
  return { ...found, loaded: { ...loaded, record } }
}

/** A session that this version of the app cannot use must not be replaced, because another version can use it. */
function notShaped(found: Found, why: NotShaped): Found {
  return withheld(found, why === 'schema' ? 'unreadable' : 'unavailable', why)
}
