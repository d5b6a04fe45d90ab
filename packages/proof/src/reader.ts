import { createSessions } from '@coatcheck/core'
import type { SessionStore, Sessions } from '@coatcheck/core'
import type { Data } from './data.ts'
import { maxBytes, merge } from './data.ts'
import { subject } from './plan.ts'
import { cookieName, secrets } from './world.ts'

/** What the core makes of a record: a session's data, or the id that a pointer leads to. */
export type Read = { readonly data: Data } | { readonly pointsTo: string }

/** What the store holds for the reader: one record, and a subject's list. */
interface Shelf {
  bytes: Uint8Array
  list: Uint8Array | null
  loads: string[]
}

export interface Reader {
  /** `lists`: versions of the subject's list; a session that has one is read by the first that knows it. */
  readonly read: (token: string, bytes: Uint8Array, lists: readonly Uint8Array[]) => Promise<Read>
}

/** Where the subject's list is. */
export async function findListId(): Promise<string> {
  const shelf = createShelf()
  await connect(shelf, '', false).list(subject)
  return shelf.loads[0] as string
}

/** Reads records as a request would: through the core, from a store that has nothing else. */
export async function createReader(sealed: boolean): Promise<Reader> {
  const listId = await findListId()
  const shelf = createShelf()
  const sessions = connect(shelf, listId, sealed)

  async function readWith(token: string, list: Uint8Array | null): Promise<Read | null> {
    shelf.list = list
    shelf.loads = []
    const { session } = await sessions.open(`${cookieName}=${token}`)
    if (session.state === 'live') return { data: session.data }
    const [id] = shelf.loads
    const pointsTo = shelf.loads.find((each) => each !== id && each !== listId)
    return pointsTo === undefined ? null : { pointsTo }
  }

  return {
    async read(token, bytes, lists) {
      shelf.bytes = bytes
      for (const list of [null, ...lists]) {
        const found = await readWith(token, list)
        if (found !== null) return found
      }
      throw new Error('a record that cannot be read was written')
    },
  }
}

function createShelf(): Shelf {
  return { bytes: new Uint8Array(0), list: null, loads: [] }
}

function connect(shelf: Shelf, listId: string, sealed: boolean): Sessions<Data> {
  const store: SessionStore = {
    inProcess: !sealed,
    load: async (id) => {
      shelf.loads.push(id)
      const bytes = id === listId ? shelf.list : shelf.loads[0] === id ? shelf.bytes : null
      return bytes && { bytes, version: 1 }
    },
    create: async () => false,
    save: async () => 'missing',
    delete: async () => 'missing',
  }
  return createSessions<Data>({ store, secrets, merge, maxBytes, now: () => Date.UTC(2030, 0, 1) })
}
