import { createSessions } from '@coatcheck/core'
import type { SessionStore, Sessions } from '@coatcheck/core'
import type { Data } from './data.ts'
import { maxBytes, merge } from './data.ts'
import { createSchema } from './model-schema.ts'
import { subject } from './plan.ts'
import { secretsOf } from './processes.ts'
import { cookieName } from './run.ts'

/** The core's reading of a record: a session, or the id that a forward or a renewal's mark leads to. */
export type Read = ReadSession | { readonly forwardsTo: string } | { readonly movedTo: string }

export interface ReadSession {
  readonly data: Data
  readonly subject: string | null
}

/** A version of a subject's list, and its id. */
export interface List {
  readonly id: string
  readonly bytes: Uint8Array
}

/** The contents of the reader's store: one record and a subject's list. */
interface Contents {
  bytes: Uint8Array
  list: List | null
  loads: string[]
}

export interface ReaderOptions {
  readonly sealed: boolean
  /** Whether the sessions have a schema. */
  readonly hasSchema: boolean
}

export interface Reader {
  /**
   * `lists`: versions of the subject's list. A session with a subject is read with the first version that contains it.
   * `null` if none allows reading it.
   */
  readonly read: (token: string, bytes: Uint8Array, lists: readonly List[]) => Promise<Read | null>
  /** The id that a token leads to. */
  readonly idOf: (token: string) => Promise<string>
}

/** The possible ids of the subject's list: one for each secret. */
export async function findListIds(): Promise<readonly string[]> {
  const contents = createContents()
  await connect(contents, [], { sealed: false, hasSchema: false }).list(subject)
  return contents.loads
}

/** Reads records as a request would: through the core, from a store that has nothing else. */
export async function createReader(options: ReaderOptions): Promise<Reader> {
  const listIds = await findListIds()
  const contents = createContents()
  const sessions = connect(contents, listIds, options)

  async function readWith(token: string, list: List | null): Promise<Read | null> {
    contents.list = list
    contents.loads = []
    const { session, commit } = await sessions.open(`${cookieName}=${token}`)
    if (session.state === 'live') return { data: session.data, subject: session.subject }
    const [id] = contents.loads
    const elsewhere = (): string | undefined =>
      contents.loads.find((each) => each !== id && !listIds.includes(each))
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
    async idOf(token) {
      contents.bytes = new Uint8Array(0)
      contents.loads = []
      await sessions.open(`${cookieName}=${token}`)
      return contents.loads[0] as string
    },
  }
}

function createContents(): Contents {
  return { bytes: new Uint8Array(0), list: null, loads: [] }
}

function connect(
  contents: Contents,
  listIds: readonly string[],
  { sealed, hasSchema }: ReaderOptions,
): Sessions<Data> {
  const bytesOf = (id: string): Uint8Array | null => {
    if (listIds.includes(id)) return contents.list?.id === id ? contents.list.bytes : null
    return contents.loads[0] === id ? contents.bytes : null
  }
  const store: SessionStore = {
    inProcess: !sealed,
    load: async (id) => {
      contents.loads.push(id)
      const bytes = bytesOf(id)
      return bytes && { bytes, version: 1 }
    },
    create: async () => false,
    save: async () => 'missing',
    delete: async () => 'missing',
  }
  const testing = { now: (): number => Date.UTC(2030, 0, 1) }
  const schema = createSchema({ isAsynchronous: false }, async () => {})
  return createSessions<Data>({
    store,
    secrets: secretsOf.new,
    merge,
    maxBytes,
    testing,
    onEvent: () => {},
    ...(hasSchema ? { schema } : {}),
  })
}
