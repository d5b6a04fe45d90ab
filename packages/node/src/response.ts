import type { Committed, LazySession } from '@coatcheck/core'
import type { ServerResponse } from 'node:http'
import { Hold } from './hold.ts'

/**
 * For adapters: runs a handler that sends a response of Node. What sends it is held back until the session is saved; if
 * that fails, the response is a 500. Our headers, and those of `earlier`, are added when the head leaves. After an error
 * of `run`, which is thrown on, the changes are dropped.
 */
export async function serveNode<result>(
  lazy: LazySession<object>,
  run: () => Promise<result>,
  response: ServerResponse,
  earlier: Committed | null = null,
): Promise<result> {
  const hold = new Hold(lazy, response, { earlier })
  hold.begin()
  try {
    return await run()
  } catch (error) {
    lazy.discard()
    throw error
  } finally {
    await hold.release()
  }
}
