import type { Committed, LazySession } from '@coatcheck/core'
import type { ServerResponse } from 'node:http'
import { Hold } from './hold.ts'

/**
 * For adapters: runs a handler that writes to a response of Node. The response is held back until the session is saved;
 * if saving fails, the response is a 500. The headers of the session, and those of `earlier`, are added when the head
 * is sent. If `run` throws, the changes are dropped and the error is thrown again.
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
