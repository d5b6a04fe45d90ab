import type { CommitContext } from '../commit/context.ts'
import { randomChance } from '../crypto/random.ts'
import { isolatesRequests } from '../runtime.ts'
import { recordCodec } from '../store/record-codec.ts'
import type { SealedStoreContext } from '../store/sealed-store.ts'
import { createSealedStore } from '../store/sealed-store.ts'
import { listCodec } from '../subjects/list-record.ts'
import { IsolatedQueue } from '../isolated-queue.ts'
import type { Taken } from '../isolated-queue.ts'

/**
 * Gives each request its own context if it must not share connections (the store has a `scope`) or work (the runtime
 * ends it with the request). Only plain data stays shared: caches, refused ids, and whose turn it is.
 */
export function beginRequests(shared: CommitContext, sealing: SealedStoreContext): CommitContext {
  const { store, random, now, wait } = shared
  if (store.scope === undefined && !isolatesRequests()) return shared
  const taken: Taken = new Map()
  const turns = { now, wait, chance: () => randomChance(random) }
  const begin = (): CommitContext => {
    const scope = store.scope?.()
    const own = scope === undefined ? sealing : { ...sealing, store: scope }
    return {
      ...shared,
      begin,
      records: createSealedStore(own, recordCodec),
      lists: createSealedStore(own, listCodec),
      queue: new IsolatedQueue(taken, turns),
      listQueue: new IsolatedQueue(taken, turns),
      release: () => scope?.release(),
    }
  }
  return { ...shared, begin }
}

/** Runs work other than `open` and `commit` in its own context. */
export async function within<result>(
  context: CommitContext,
  work: (own: CommitContext) => Promise<result>,
): Promise<result> {
  const own = context.begin?.() ?? context
  try {
    return await work(own)
  } finally {
    own.release()
  }
}
