import { createSessions } from '@coatcheck/core'
import type { SessionStore, Sessions } from '@coatcheck/core'
import type { Data } from './data.ts'
import { maxBytes, merge } from './data.ts'
import { subject } from './plan.ts'
import { cookieName, secrets } from './world.ts'

/** What the core makes of a record: a session, or the id that a forward or the mark of a renewal leads to. */
export type Read = ReadSession | { readonly forwardsTo: string } | { readonly movedTo: string }

export interface ReadSession {
  readonly data: Data
  readonly subject: string | null
}

/** All that the reader's store holds: one record, and a subject's list. */
interface Contents {
  bytes: Uint8Array
  list: Uint8Array | null
  loads: string[]
}

export interface Reader {
  /**
   * `lists`: versions of the subject's list. A session with a subject is read with the first that names it. `null`:
   * it cannot be read with any.
   */
  readonly read: (
    token: string,
    bytes: Uint8Array,
    lists: readonly Uint8Array[],
  ) => Promise<Read | null>
}

/** Where the subject's list is. */
export async function findListId(): Promise<string> {
  const contents = createContents()
  await connect(contents, '', false).list(subject)
  return contents.loads[0] as string
}

/** Reads records as a request would: through the core, from a store that has nothing else. */
export async function createReader(sealed: boolean): Promise<Reader> {
  const listId = await findListId()
  const contents = createContents()
  const sessions = connect(contents, listId, sealed)

  async function readWith(token: string, list: Uint8Array | null): Promise<Read | null> {
    contents.list = list
    contents.loads = []
    const { session, commit } = await sessions.open(`${cookieName}=${token}`)
    if (session.state === 'live') return { data: session.data, subject: session.subject }
    const [id] = contents.loads
    const elsewhere = (): string | undefined =>
      contents.loads.find((each) => each !== id && each !== listId)
    const forwardsTo = elsewhere()
    if (forwardsTo !== undefined) return { forwardsTo }
    session.data['n'] = 1
    if ((await commit()).outcome !== 'moved') return null
    // Only a sign-out follows the mark.
    contents.loads = []
    await sessions.destroy(`${cookieName}=${token}`)
    const movedTo = elsewhere()
    return movedTo === undefined ? null : { movedTo }
  }

  return {
    async read(token, bytes, lists) {
      contents.bytes = bytes
      for (const list of [null, ...lists]) {
        const found = await readWith(token, list)
        if (found !== null) return found
      }
      return null
    },
  }
}

function createContents(): Contents {
  return { bytes: new Uint8Array(0), list: null, loads: [] }
}

function connect(contents: Contents, listId: string, sealed: boolean): Sessions<Data> {
  const store: SessionStore = {
    inProcess: !sealed,
    load: async (id) => {
      contents.loads.push(id)
      const bytes = id === listId ? contents.list : contents.loads[0] === id ? contents.bytes : null
      return bytes && { bytes, version: 1 }
    },
    create: async () => false,
    save: async () => 'missing',
    delete: async () => 'missing',
  }
  const testing = { now: (): number => Date.UTC(2030, 0, 1) }
  return createSessions<Data>({ store, secrets, merge, maxBytes, testing })
}
