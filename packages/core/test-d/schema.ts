/** What a schema makes of `session.data`. Compiled by `types.test.ts`, never run. */
import { createSessions, sum, union } from '@coatcheck/core'
import type { LazySession, Session, SessionOf, StandardSchema } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import * as v from 'valibot'
import type { Equal } from './expect.ts'
import { same } from './expect.ts'

const store = memoryStore()
const visitor = v.object({
  visits: v.optional(v.pipe(v.number(), v.transform(String)), 0),
  tags: v.optional(v.array(v.string()), []),
  name: v.optional(v.string()),
})

const sessions = createSessions({ store, schema: visitor, merge: { tags: union } })

export async function use(request: Request): Promise<void> {
  const { session } = await sessions.open(request)
  // The output, not the input: with its defaults, so that nothing need be missing.
  same<Equal<typeof session.data.visits, string>>()
  same<Equal<typeof session.data.tags, string[]>>()
  session.data.tags.push('new')
  session.data.visits = '1'
  // @ts-expect-error: the input is a number, the output text
  session.data.visits = 1
  // @ts-expect-error: no such key
  session.data.visit = '1'
  // @ts-expect-error: may be missing
  void session.data.name.length
  session.data.name ??= 'Zoë'
  interface Output {
    visits: string
    tags: string[]
    name?: string | undefined
  }
  same<Equal<SessionOf<typeof sessions>, Session<Output>>>()
  const lazy = sessions.lazy(request)
  same<Equal<typeof lazy, LazySession<Output>>>()
}

// @ts-expect-error: the output of visits is text
createSessions({ store, schema: visitor, merge: { visits: sum } })
// @ts-expect-error: no such key
createSessions({ store, schema: visitor, merge: { visit: union } })
// @ts-expect-error: gives no object
createSessions({ store, schema: v.string() })
// @ts-expect-error: no schema
createSessions({ store, schema: { parse: () => ({}) } })

/** Our copy of the interface is the specification's. */
export function convert(
  theirs: StandardSchemaV1<string, number>,
): StandardSchemaV1<string, number> {
  const ours: StandardSchema<string, number> = theirs
  return ours
}
