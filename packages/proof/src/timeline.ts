import { readData } from './data.ts'
import type { Data, Reading } from './data.ts'
import type { Happening } from './fake-memcached.ts'
import type { List, Read, Reader, ReaderOptions, ReadSession } from './reader.ts'
import { createReader, findListIds } from './reader.ts'
import type { RequestLog, Run } from './run.ts'

/** The state of a record from one step to another. */
export interface Version {
  readonly id: string
  readonly from: number
  /** The step that ended it; Infinity if it still exists. */
  readonly to: number
  readonly reading: Reading
  /** The account that is signed in. */
  readonly subject: string | null
  /** The version it replaced. */
  readonly before: Version | null
}

/** A forward or a renewal's mark, written under a session's id. */
export interface Move {
  readonly kind: 'forward' | 'mark'
  readonly from: string
  readonly to: string
  readonly step: number
  /** When its command was sent: its life counts from then. */
  readonly sentAt: number
}

export interface Timelines {
  /** The versions of every session that a token leads to, by id, oldest first. */
  readonly versions: ReadonlyMap<string, readonly Version[]>
  /** The steps at which a record became a forward or a renewal's mark, by id. */
  readonly marks: ReadonlyMap<string, ReadonlySet<number>>
  /** The forwards and marks that were written. */
  readonly moves: readonly Move[]
  /**
   * Sign-ins that share a write of the list may exceed its limit. Then no version of the list contains the sessions
   * that ended there, and their records cannot be read.
   */
  readonly isUnclear: boolean
  /** The ids of the subject's list, one for each secret. */
  readonly listIds: readonly string[]
}

const readers = new Map<string, Promise<Reader>>()

function readerFor(options: ReaderOptions): Promise<Reader> {
  const name = JSON.stringify(options)
  const reader = readers.get(name) ?? createReader(options)
  readers.set(name, reader)
  return reader
}

let foundListIds: Promise<readonly string[]> | undefined

/** Reads all versions of all reachable sessions. Throws if one is partial. */
export async function readTimelines(run: Run): Promise<Timelines> {
  const { sealed, schema } = run.plan
  const reader = await readerFor({ sealed, hasSchema: schema !== null })
  foundListIds ??= findListIds()
  const listIds = await foundListIds
  const collection: Collection = {
    run,
    reader,
    listIds,
    lists: run.memcached.log.flatMap(({ id, step, bytes }) =>
      bytes !== null && listIds.includes(id) ? [{ id, step, bytes }] : [],
    ),
    candidates: await idsOf(reader, run.candidates),
    drafts: new Map(),
    marks: new Map(),
    moves: [],
    isUnclear: false,
  }
  for (const [id, token] of run.tokens) await collectDrafts(collection, id, token)
  const versions = new Map(
    [...collection.drafts].map(([id, drafts]) => [
      id,
      readVersions(run, reachable(collection, id, drafts)),
    ]),
  )
  const { marks, moves, isUnclear } = collection
  return { versions, marks, moves, isUnclear, listIds }
}

async function idsOf(
  reader: Reader,
  tokens: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>()
  for (const token of tokens) ids.set(await reader.idOf(token), token)
  return ids
}

/**
 * The versions since the token leads to them. A move rewrites its record until the mark is in place; before that no
 * client has the token.
 */
function reachable(
  { run, moves }: Collection,
  id: string,
  drafts: readonly Draft[],
): readonly Draft[] {
  const isIssued = ({ outcome, newId }: RequestLog): boolean =>
    newId === id && (outcome === 'created' || outcome === 'renewed')
  const issued = run.requests.filter(isIssued).map(({ endedAt }) => endedAt)
  const forwarded = moves
    .filter(({ kind, to }) => kind === 'forward' && to === id)
    .map(({ step }) => step)
  const since = Math.min(...issued, ...forwarded)
  if (since === Infinity) return drafts
  const first = drafts.findLastIndex(({ from }) => from <= since)
  return drafts.slice(Math.max(first, 0))
}

function readVersions(run: Run, drafts: readonly Draft[]): readonly Version[] {
  const versions: Version[] = []
  for (const { id, from, to, read, replaces } of drafts) {
    const reading = readVersion(run, read.data)
    const before = replaces ? (versions.at(-1) ?? null) : null
    versions.push({ id, from, to, before, reading, subject: read.subject })
  }
  return versions
}

/** A version whose data has not been read yet. `replaces`: the version before it. */
interface Draft {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly read: ReadSession
  readonly replaces: boolean
}

interface Collection {
  readonly run: Run
  readonly reader: Reader
  readonly listIds: readonly string[]
  /** Every version of the subject's list. */
  readonly lists: readonly (List & { readonly step: number })[]
  /** Tokens that may never have been sent to a browser, by id. */
  readonly candidates: ReadonlyMap<string, string>
  readonly drafts: Map<string, readonly Draft[]>
  readonly marks: Map<string, Set<number>>
  readonly moves: Move[]
  isUnclear: boolean
}

async function collectDrafts(collection: Collection, id: string, token: string): Promise<void> {
  if (collection.drafts.has(id)) return
  const { run } = collection
  const happenings = run.memcached.log.filter((happening) => happening.id === id)
  const drafts: Draft[] = []
  collection.drafts.set(id, drafts)
  let replaces = false
  for (const [at, happening] of happenings.entries()) {
    const read = await readHappening(collection, token, happening)
    const isSession = read !== null && 'data' in read
    if (isSession) {
      const to = happenings[at + 1]?.step ?? Infinity
      drafts.push({ id, from: happening.step, to, read, replaces })
    } else if (read !== null) {
      const isForward = 'forwardsTo' in read
      const to = isForward ? read.forwardsTo : read.movedTo
      addMove(collection, { ...happening, kind: isForward ? 'forward' : 'mark', from: id, to })
      if (isForward) {
        // An unsealed record opens with any token.
        const { forwardsTo } = read
        const next = run.tokens.get(forwardsTo) ?? collection.candidates.get(forwardsTo) ?? token
        await collectDrafts(collection, forwardsTo, next)
      }
    }
    replaces = isSession
  }
}

function addMove({ marks, moves }: Collection, { kind, from, to, step, sentAt }: Move): void {
  marks.set(from, (marks.get(from) ?? new Set()).add(step))
  moves.push({ kind, from, to, step, sentAt })
}

function readVersion({ plan }: Run, data: Data): Reading {
  try {
    return readData(data, plan)
  } catch (error) {
    const where = plan.rotates ? ', where tokens rotate' : ''
    throw new Error(`${(error as Error).message}${where}`)
  }
}

async function readHappening(
  collection: Collection,
  token: string,
  { bytes, step }: Happening,
): Promise<Read | null> {
  if (bytes === null) return null
  const { run, reader, lists } = collection
  const nearest = lists.toSorted((a, b) => Math.abs(a.step - step) - Math.abs(b.step - step))
  const read = await reader.read(token, bytes, nearest)
  if (read !== null) return read
  // A sign-in that takes as long as the idle time has expired when it is listed, and is in no version of the list.
  const isLong = run.requests.some(
    ({ startTime, endTime, plan }) =>
      plan.intent === 'login' && endTime - startTime >= shortestIdle,
  )
  if (run.plan.limit >= 100 && !isLong) throw new Error('a record that cannot be read was written')
  collection.isUnclear = true
  return null
}

/** In milliseconds. */
const shortestIdle = 1_800_000
