import type { CommitContext } from '../commit/context.ts'
import { adoptData, createData } from '../data/lazy-object.ts'
import type { Data } from '../data/lazy-object.ts'
import { emptyOf, validate } from '../data/schema.ts'
import { idPrefixOf } from '../events.ts'
import { nothingFound } from '../load/load.ts'
import type { Found } from '../load/load.ts'
import type { Blocks } from '../rules/diff-and-merge.ts'

/** What was found, and the data that the handler gets. `base`: the snapshot to compare with. */
export interface Shaped {
  readonly found: Found
  readonly data: Data
  readonly base: Blocks
}

/** Makes the data of what was found. A record that the schema refuses counts as no session. */
export async function shape({ schema, onEvent }: CommitContext, found: Found): Promise<Shaped> {
  const base: Blocks = found.loaded?.record.blocks ?? new Map()
  const data = createData(base)
  if (schema === null) return { found, data, base }
  const { address, loaded } = found
  const valid = loaded && (await validate(schema, { ...data.object }))
  if (valid) return { found, ...adopt(valid) }
  const empty = adopt(await emptyOf(schema))
  if (address === null || loaded === null) return { found, ...empty }
  onEvent({ type: 'record.unreadable', idPrefix: idPrefixOf(address.id), reason: 'schema' })
  return { found: { ...nothingFound, state: 'unreadable', address }, ...empty }
}

/**
 * The base of a validated session is what the schema made of it, so that defaults are no change. The app
 * gets a copy: a schema may give the same default to every visitor.
 */
function adopt(object: object): { readonly data: Data; readonly base: Blocks } {
  const base = adoptData(object).blocks()
  return { data: createData(base), base }
}
