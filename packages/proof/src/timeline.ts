import { readData } from './data.ts'
import type { Data, Reading } from './data.ts'
import type { Happening } from './fake-memcached.ts'
import type { Read, Reader } from './reader.ts'
import { createReader, findListId } from './reader.ts'
import type { Run } from './world.ts'

/** What a record was from one step to another. */
export interface Version {
  readonly id: string
  readonly from: number
  /** The step that ended it; Infinity: it stands. */
  readonly to: number
  readonly reading: Reading
  /** The version that it replaced. */
  readonly before: Version | null
}

export interface Timelines {
  /** The versions of every session that a token leads to, by id, oldest first. */
  readonly versions: ReadonlyMap<string, readonly Version[]>
  /** Ids that became pointers, and the steps at which. */
  readonly pointers: ReadonlyMap<string, number>
  /** Where the subject's list is. */
  readonly listId: string
}

let readers:
  { readonly sealed: Reader; readonly plain: Reader; readonly listId: string } | undefined

async function makeReaders(): Promise<NonNullable<typeof readers>> {
  const [sealed, plain, listId] = [
    await createReader(true),
    await createReader(false),
    await findListId(),
  ]
  return { sealed, plain, listId }
}

/** Reads all versions of all sessions that can be reached. Throws where one is no whole. */
export async function readTimelines(run: Run): Promise<Timelines> {
  readers ??= await makeReaders()
  const { listId } = readers
  const reader = run.plan.sealed ? readers.sealed : readers.plain
  const library: Library = { run, reader, listId, versions: new Map(), pointers: new Map() }
  for (const [id, token] of run.tokens) await readTimeline(library, id, token)
  return library
}

interface Library extends Timelines {
  readonly run: Run
  readonly reader: Reader
  readonly versions: Map<string, readonly Version[]>
  readonly pointers: Map<string, number>
}

async function readTimeline(library: Library, id: string, token: string): Promise<void> {
  if (library.versions.has(id)) return
  const { run } = library
  const happenings = run.memcached.log.filter((happening) => happening.id === id)
  const versions: Version[] = []
  library.versions.set(id, versions)
  let before: Version | null = null
  for (const [at, happening] of happenings.entries()) {
    const read = await readHappening(library, token, happening)
    if (read === null) before = null
    else if ('pointsTo' in read) {
      before = null
      library.pointers.set(id, happening.step)
      // Unsealed records open with any token, and sealed ones lead to none that was not handed out.
      await readTimeline(library, read.pointsTo, run.tokens.get(read.pointsTo) ?? token)
    } else {
      const to = happenings[at + 1]?.step ?? Infinity
      before = { id, from: happening.step, to, before, reading: readVersion(run, read.data) }
      versions.push(before)
    }
  }
}

function readVersion({ plan }: Run, data: Data): Reading {
  try {
    return readData(data, plan.requests)
  } catch (error) {
    const where = plan.rotates ? ', where tokens rotate' : ''
    throw new Error(`${(error as Error).message}${where}`)
  }
}

async function readHappening(
  { run, reader, listId }: Library,
  token: string,
  { bytes, step }: Happening,
): Promise<Read | null> {
  if (bytes === null) return null
  const lists = run.memcached.log.filter((happening) => happening.id === listId)
  const nearest = lists.toSorted((a, b) => Math.abs(a.step - step) - Math.abs(b.step - step))
  return reader.read(
    token,
    bytes,
    nearest.flatMap((list) => list.bytes ?? []),
  )
}
