import { batchLength } from '../../src/commit/carry-out.ts'
import type { CommitContext } from '../../src/commit/context.ts'
import type { Edit, Write } from '../../src/commit/edit.ts'
import type { SessionAddress } from '../../src/crypto/record-address.ts'
import { addressOf, createToken, markAddressOf, markKeyOf } from '../../src/crypto/token.ts'
import { decodeValue, encodeValue } from '../../src/data/value.ts'
import type { SessionEvent } from '../../src/events.ts'
import { KnownLifetimes } from '../../src/load/known-lifetimes.ts'
import { RefusedIds } from '../../src/load/refused-ids.ts'
import { readEntry } from '../../src/load/read-entry.ts'
import { isLoaded, followForwards } from '../../src/load/follow-forwards.ts'
import type { LoadedSession } from '../../src/load/follow-forwards.ts'
import { Queue } from '../../src/batch-queue.ts'
import { lookEvery } from '../../src/loop-stopwatch.ts'
import { diff } from '../../src/rules/diff-and-merge.ts'
import type { Blocks } from '../../src/rules/diff-and-merge.ts'
import { readOptions } from '../../src/settings/read-options.ts'
import type { AnyOptions } from '../../src/settings/options.ts'
import { memoryStore } from '../../src/store/memory-store.ts'
import { recordCodec } from '../../src/store/record-codec.ts'
import { isRecord } from '../../src/store/marks.ts'
import { addWrite, blankRecord, rootLength } from '../../src/store/record.ts'
import type { Entry, Forward, MovedMark } from '../../src/store/marks.ts'
import type { Owner, SessionRecord } from '../../src/store/record.ts'
import type { UnsealedRecord } from '../../src/store/unsealed-record.ts'
import { createSealedStore } from '../../src/store/sealed-store.ts'
import type { NotRead } from '../../src/store/sealed-store.ts'
import { BoundedCache } from '../../src/bounded-cache.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { listAddressOf, listCodec } from '../../src/subjects/list-record.ts'
import { listAddressLimits } from '../../src/subjects/read-membership.ts'
import type { Listed } from '../../src/subjects/list-record.ts'

export type Command = 'load' | 'create' | 'save' | 'delete'

/** What becomes of a command. `run` carries it out in the store. */
export type Fault = (run: () => Promise<unknown>) => Promise<unknown>

/** The command never arrives. */
export const refused: Fault = () => Promise.reject(new Error('connection refused'))

/** The command is carried out, and its answer is lost. */
export const lost: Fault = async (run) => {
  await run()
  throw new Error('timed out')
}

/** No fault: lets a command pass, so that a later one fails. */
export const passed: Fault = (run) => run()

/** Something else happens in the store first. */
export function after(act: () => unknown): Fault {
  return async (run) => {
    await act()
    return run()
  }
}

/** The command gets this answer, and never arrives. */
export function answered(answer: unknown): Fault {
  return () => Promise.resolve(answer)
}

export interface FakeStore extends SessionStore {
  /** What arrived or was lost, in order: the name of the command and the id. */
  readonly log: [command: Command, id: string][]
  /** The expiry that the last `load`, `create` or `save` of an id asked for. */
  readonly expiries: Map<string, number | undefined>
  /** Gives the next commands of this name these faults, one each. */
  readonly fail: (command: Command, ...faults: Fault[]) => void
  /** Whether every command is refused. */
  down: boolean
  /** What another process does: it meets no fault, and leaves no trace in the log. */
  readonly elsewhere: <result>(act: () => Promise<result>) => Promise<result>
}

/** Ends a loop that would not end: an error with this code is passed on, and not taken for an outage. */
const endless: Error = Object.assign(new Error('There were too many commands'), { code: 'config' })
const mostCommands = 2000

/** A store in memory that fails as a test says. */
export function createFakeStore(now: () => number, isSealed = false): FakeStore {
  const inner = memoryStore({ now })
  const log: [Command, string][] = []
  const expiries = new Map<string, number | undefined>()
  const faults: Record<Command, Fault[]> = { load: [], create: [], save: [], delete: [] }

  let isElsewhere = false

  function pass<result>(
    name: Command,
    id: string,
    run: () => Promise<result>,
    expiresAt?: number,
  ): Promise<result> {
    if (isElsewhere) return run()
    if (name !== 'delete') expiries.set(id, expiresAt)
    log.push([name, id])
    if (log.length > mostCommands) return Promise.reject(endless)
    const fault = store.down ? refused : (faults[name].shift() ?? passed)
    return fault(run) as Promise<result>
  }

  const store: FakeStore = {
    inProcess: !isSealed,
    log,
    expiries,
    down: false,
    fail: (command, ...more) => void faults[command].push(...more),
    async elsewhere(act) {
      isElsewhere = true
      try {
        return await act()
      } finally {
        isElsewhere = false
      }
    },
    load: (id, expiresAt) => pass('load', id, () => inner.load(id, expiresAt), expiresAt),
    create: (id, bytes, expiresAt) =>
      pass('create', id, () => inner.create(id, bytes, expiresAt), expiresAt),
    save: (id, bytes, expiresAt, version) =>
      pass('save', id, () => inner.save(id, bytes, expiresAt, version as number), expiresAt),
    delete: (id, version) => pass('delete', id, () => inner.delete(id, version as number)),
  }
  return store
}

/** Everything that a commit stands on, over a store that fails as a test says. */
export interface Fake {
  readonly context: CommitContext
  readonly store: FakeStore
  readonly clock: { now: number }
  readonly events: SessionEvent[]
  /** The milliseconds of every wait before another try. */
  readonly waits: number[]
  /** Lets time pass in which the event loop runs. */
  readonly runLoop: (milliseconds: number) => Promise<void>
  /** The names of the commands since the last call. */
  readonly commands: () => readonly Command[]
}

export const start = 1_700_000_000_000
export const second = 1000
export const day = 86_400 * second

/** `isSealed`: what the store holds is sealed, as outside the process. */
export function fake(options: Partial<AnyOptions> = {}, isSealed = false): Fake {
  const clock = { now: start }
  const store = createFakeStore(() => clock.now, isSealed)
  const events: SessionEvent[] = []
  const waits: number[] = []
  const looks: (() => void)[] = []
  const { testing, ...more } = options
  const settings = readOptions({
    store,
    ...(isSealed ? { secrets: 'none' } : {}),
    onEvent: (event) => void events.push(event),
    ...more,
    testing: {
      now: () => clock.now,
      async wait(milliseconds) {
        if (milliseconds === lookEvery) return new Promise((resolve) => void looks.push(resolve))
        waits.push(milliseconds)
      },
      ...testing,
    },
  })
  const { cache, now } = settings
  const recordCache = cache && new BoundedCache<UnsealedRecord>(cache, now)
  const sealing = { ...settings, recordCache }
  const context: CommitContext = {
    ...settings,
    records: createSealedStore(sealing, recordCodec),
    lists: createSealedStore(sealing, listCodec),
    listAddressCache: new BoundedCache(listAddressLimits, now),
    lifetimes: new KnownLifetimes(settings.lifetime, now),
    refusedIds: new RefusedIds(),
    queue: new Queue(batchLength, patience),
    listQueue: new Queue((changes) => changes.length, patience),
    loads: { count: 0 },
    backOff: (tries) => settings.wait(tries),
    begin: null,
    release() {},
  }
  return {
    context,
    store,
    clock,
    events,
    waits,
    async runLoop(milliseconds) {
      for (let passed = 0; passed < milliseconds; passed += lookEvery) {
        clock.now += lookEvery
        for (const look of looks.splice(0)) look()
        for (let hop = 0; hop < 3; hop++) await Promise.resolve()
      }
    },
    commands: () => store.log.splice(0).map(([command]) => command),
  }
}

/** No batch of a test is stuck. */
function patience(): Promise<never> {
  return new Promise(() => {})
}

type Values = Readonly<Record<string, unknown>>

export function blocksOf(values: Values): Blocks {
  return new Map(Object.entries(values).map(([key, value]) => [key, encodeValue(key, value)]))
}

export function valuesOf({ blocks }: { readonly blocks: Blocks }): Values {
  return Object.fromEntries([...blocks].map(([key, block]) => [key, decodeValue(key, block)]))
}

export function recordOf(values: Values, more: Partial<SessionRecord> = {}): SessionRecord {
  const record = blankRecord(start, new Uint8Array(rootLength).fill(1))
  return { ...record, blocks: blocksOf(values), ...more }
}

/** A fresh token's address, with nothing there. */
export async function newAddress({ context }: Fake): Promise<SessionAddress> {
  return addressOf(context.namespace, createToken(context.random))
}

/** Puts a session into the store, and into its subject's list if it has one. */
export async function put(
  fake: Fake,
  values: Values,
  more: Partial<SessionRecord> = {},
): Promise<LoadedSession> {
  const { context, clock } = fake
  const address = await newAddress(fake)
  const record = recordOf(values, more)
  await fake.store.elsewhere(() => context.records.create(address, record, clock.now + day))
  if (record.owner !== null) await putList(fake, record.owner, {})
  return (await read(fake, address)) as LoadedSession
}

/** Puts a list into the store with one session in it. */
export async function putList(
  { context, clock, store }: Fake,
  owner: { readonly subject: string; readonly listId: string; readonly ref: string },
  listed: Partial<Listed>,
): Promise<void> {
  const address = { id: owner.listId, keyMaterial: `subject ${owner.subject}` }
  const entry = { createdAt: start, renewedAt: null, seenAt: start, label: null, ...listed }
  const list = new Map([[owner.ref, entry]])
  await store.elsewhere(() => context.lists.create(address, list, clock.now + day))
}

/** What is stored now. `null`: no session. */
export async function read(
  { context, store }: Fake,
  address: SessionAddress,
): Promise<LoadedSession | null> {
  const found = await store.elsewhere(() => followForwards(context, address))
  return isLoaded(found) ? found : null
}

/** Another process ends the session. */
export function end({ context, store }: Fake, { address }: LoadedSession): () => Promise<unknown> {
  return () => store.elsewhere(() => context.records.delete(address.id))
}

/** Another process changes the session. */
export function change(
  fake: Fake,
  { address }: LoadedSession,
  changes: (record: SessionRecord) => Entry,
): () => Promise<unknown> {
  return async () => {
    const { record, version } = (await read(fake, address)) as LoadedSession
    const { context, clock, store } = fake
    const changed = changes(record)
    return store.elsewhere(() => context.records.save(address, changed, clock.now + day, version))
  }
}

/** For `change`: a save of these values. */
export function setting(values: Values): (record: SessionRecord) => SessionRecord {
  return (record) => ({
    ...record,
    writes: addWrite(record.writes, Uint8Array.of(0, 0, 0, 99)),
    blocks: new Map([...record.blocks, ...blocksOf(values)]),
  })
}

/** For `change`: a rotation to a token. */
export function forwarding(token: string): () => Forward {
  return () => ({ kind: 'forward', token, until: start + 15 * second })
}

/** Another process renews the session: what it has now is at the address of the new token. */
export function renewing(fake: Fake, loaded: LoadedSession, target: SessionAddress): Fault {
  const { context, store, clock } = fake
  const { namespace, records } = context
  return after(() =>
    store.elsewhere(async () => {
      const { version } = (await readEntry(context, loaded.address)) as LoadedSession
      const { id, token } = loaded.address
      const mark: MovedMark = {
        kind: 'moved',
        id: target.id,
        markKey: await markKeyOf(namespace, target.token),
        owner: loaded.record.owner,
        until: clock.now + 60 * second,
      }
      const place = markAddressOf(id, await markKeyOf(namespace, token))
      return records.save(place, mark, mark.until, version)
    }),
  )
}

/** What is under a session's id: a record, a forward or a mark; `missing` for nothing. */
export async function entryAt(
  { context, store }: Fake,
  { address }: Pick<LoadedSession, 'address'>,
): Promise<Entry | null | NotRead> {
  const found = await store.elsewhere(() => readEntry(context, address))
  return typeof found === 'string' ? found : found.record
}

/** How many session records are in the store, by the ids that were ever used; forwards and marks left out. */
export async function countSessions({ store }: Fake): Promise<number> {
  const ids = new Set(store.log.map(([, id]) => id))
  let count = 0
  for (const id of ids) {
    const stored = await store.elsewhere(() => store.load(id))
    const entry = stored && recordCodec.decode(stored.bytes)
    if (entry && isRecord(entry)) count++
  }
  return count
}

/** The subject's list as it is stored now, by ref. */
export async function listOf(
  { context, store }: Fake,
  owner: Owner | null,
): Promise<readonly (readonly [string, Listed])[]> {
  if (owner === null) return []
  const found = await store.elsewhere(() => context.lists.load(listAddressOf(owner)))
  return typeof found === 'string' ? [] : [...(found.record ?? [])]
}

/** What a handler would make of a session: `undefined` deletes a key. */
export function editOf(
  record: SessionRecord,
  changes: Values,
  more: Partial<Edit> = {},
): Edit & { readonly record: SessionRecord } {
  const ours = new Map(record.blocks)
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) ours.delete(key)
    else ours.set(key, encodeValue(key, value))
  }
  return {
    base: record.blocks,
    changes: diff(record.blocks, ours),
    record: { ...record, blocks: ours },
    isRenewed: false,
    restart: false,
    signIn: null,
    root: record.root,
    isAsked: true,
    usesToken: null,
    taken: new Set(),
    version: record.version,
    ...more,
  }
}

export function writeOf(
  step: Write['step'],
  loaded: LoadedSession,
  changes: Values,
  more: Partial<Edit & Pick<Write, 'order'>> = {},
): Write {
  const { order = 0, ...rest } = more
  return { step, edit: editOf(loaded.record, changes, rest), loaded, order }
}
