import type { Address } from '../crypto/address.ts'
import type { Lifetime } from '../rules/lifetime.ts'
import { maxTries } from '../rules/retry.ts'
import { emptyList } from './list.ts'
import type { ListStore, LoadedList, SubjectList } from './list.ts'

export interface ListContext {
  readonly lists: ListStore
  readonly lifetime: Lifetime
  readonly now: () => number
  readonly backOff: (tries: number) => Promise<void>
}

/** How a change of a list ended. `missing`: there was no list to change. */
export type ListOutcome = 'saved' | 'missing' | 'conflict' | 'unavailable'

/** Changes a list under compare-and-swap. `edit` gives back the same list for no change. */
export async function changeList(
  context: ListContext,
  address: Address,
  { create }: { readonly create: boolean },
  edit: (list: SubjectList) => SubjectList | Promise<SubjectList>,
): Promise<ListOutcome> {
  const { lists, backOff } = context
  for (let tries = 1; tries <= maxTries; tries++) {
    const found = await lists.load(address)
    if (found === 'unavailable') return found
    // No session counts by a list that cannot be read; it only stands in the way.
    if (found === 'unreadable') await lists.delete(address.id)
    const loaded = typeof found === 'string' ? null : found
    if (loaded === null && !create) return 'missing'
    const before = loaded?.record ?? emptyList
    const after = await edit(before)
    if (after === before) return 'saved'
    const result = await write(context, address, loaded, after)
    if (result !== 'conflict') return result
    await backOff(tries)
  }
  return 'conflict'
}

async function write(
  { lists, lifetime, now }: ListContext,
  address: Address,
  loaded: LoadedList | null,
  list: SubjectList,
): Promise<'saved' | 'conflict' | 'unavailable'> {
  const expiry = now() + lifetime.absolute
  if (loaded !== null) {
    const result = await lists.save(address, list, expiry, loaded.version)
    return result === 'missing' ? 'conflict' : result
  }
  const result = await lists.create(address, list, expiry)
  return result === 'created' ? 'saved' : result === 'taken' ? 'conflict' : result
}
