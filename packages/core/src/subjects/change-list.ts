import type { Queue, Settled } from '../batch-queue.ts'
import type { Address } from '../crypto/record-address.ts'
import type { Loaded } from '../store/sealed-store.ts'
import { longestLife } from '../rules/lifetime.ts'
import type { Lifetime } from '../rules/lifetime.ts'
import { maxListTries } from '../rules/retry-limits.ts'
import { emptyList } from './list-record.ts'
import type { ListStore, SubjectList } from './list-record.ts'

/** The result of a list change. `missing`: there was no list to change. */
export type ListOutcome = 'saved' | 'missing' | 'conflict' | 'unavailable'

/** One change of a list. */
export interface ListChange {
  /** Whether it creates the list if there is none. */
  readonly creates: boolean
  /** Returns the same list for no change. May be called several times, also on its own result. */
  readonly edit: (list: SubjectList) => SubjectList
}

export interface ListContext {
  readonly lists: ListStore
  readonly lifetime: Lifetime
  readonly now: () => number
  readonly backOff: (tries: number) => Promise<void>
  /** Runs the changes of one list in this process batch by batch. */
  readonly listQueue: Pick<Queue<ListChange, ListOutcome>, 'add'>
}

/** Changes a list with compare-and-swap. Changes that wait in this process share a write. */
export function changeList(
  context: ListContext,
  address: Address,
  change: ListChange,
): Promise<ListOutcome> {
  return context.listQueue.add(address.id, change, (changes) =>
    changeAll(context, address, changes),
  )
}

async function changeAll(
  context: ListContext,
  address: Address,
  changes: readonly ListChange[],
): Promise<readonly Settled<ListOutcome>[]> {
  const { lists, backOff } = context
  const all = (outcome: ListOutcome): readonly Settled<ListOutcome>[] =>
    changes.map(() => ({ result: outcome }))
  // No session counts as listed in a list that cannot be read, and a sign-in must not wait until that list expires.
  const overwrites = changes.some(({ creates }) => creates)
  let outages = 0
  for (let tries = 1; tries <= maxListTries; tries++) {
    const found = await lists.load(address, { overwrites })
    if (found === 'unavailable' || found === 'unknown-secret') return all('unavailable')
    const loaded = found === 'missing' ? null : found
    const start = loaded?.record ?? null
    const { list, isMissing } = applyAll(start, changes)
    const result = list === start ? 'saved' : await write(context, address, loaded, list)
    // A save whose reply was lost may have succeeded, so it is tried once more. A create is not: a late one would bring
    // the list back after a revocation.
    if (result === 'unavailable' && loaded !== null && outages++ === 0) continue
    if (result !== 'conflict') {
      return changes.map((_, at) => ({ result: isMissing[at] ? 'missing' : result }))
    }
    await backOff(tries)
  }
  return all('conflict')
}

/** Applies the changes in order. A missing list is `null`, and is started by a change that creates. */
function applyAll(
  start: SubjectList | null,
  changes: readonly ListChange[],
): { readonly list: SubjectList | null; readonly isMissing: readonly boolean[] } {
  let list = start
  const isMissing = changes.map(({ creates, edit }) => {
    if (list === null && !creates) return true
    list = edit(list ?? emptyList)
    return false
  })
  return { list, isMissing }
}

async function write(
  { lists, lifetime, now }: ListContext,
  address: Address,
  loaded: Loaded<SubjectList | null> | null,
  list: SubjectList | null,
): Promise<'saved' | 'conflict' | 'unavailable'> {
  const expiry = now() + longestLife(lifetime)
  if (loaded !== null) {
    const next = list ?? emptyList
    const isEnding = [...(loaded.record ?? [])].some(([ref]) => !next.has(ref))
    const result = await lists.save(address, next, expiry, loaded.version, isEnding)
    return result === 'missing' ? 'conflict' : result
  }
  const result = await lists.create(address, list ?? emptyList, expiry)
  return result === 'created' ? 'saved' : result === 'taken' ? 'conflict' : result
}
