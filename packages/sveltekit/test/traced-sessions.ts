import type { Sessions, SessionsOptions, SessionStore } from '@coatcheck/core'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'

export type Data = Partial<Record<string, unknown>>

export interface TracedSessions {
  readonly sessions: Sessions<Data>
  /** The calls of the store, and the outcomes of commits, in order. */
  readonly calls: string[]
  /** A page request of a visitor who has a session. */
  readonly guest: () => Promise<Request>
  /** From now on the store cannot be reached. */
  readonly stop: () => void
}

export const pageUrl = 'https://app.example/'

/** Real sessions over a store that records its calls. */
export function tracedSessions(
  options: Partial<SessionsOptions<Record<string, unknown>>> = {},
): TracedSessions {
  const calls: string[] = []
  const memory = memoryStore()
  let isDown = false

  function call<result>(name: string, answer: () => Promise<result>): Promise<result> {
    calls.push(name)
    return isDown ? Promise.reject(new Error('away')) : answer()
  }

  const store: SessionStore<number> = {
    load: (...given) => call('load', () => memory.load(...given)),
    create: (...given) => call('create', () => memory.create(...given)),
    save: (...given) => call('save', () => memory.save(...given)),
    delete: (...given) => call('delete', () => memory.delete(...given)),
  }

  const sessions = createSessions<Record<string, unknown>>({
    store,
    secrets: 'none',
    onEvent: (event) => event.type === 'commit' && calls.push(event.outcome),
    ...options,
  })

  return {
    sessions,
    calls,
    async guest() {
      const { session, commit } = await sessions.open(null)
      session.data['coat'] = 'wool'
      const { cookie } = await commit()
      calls.length = 0
      return new Request(pageUrl, { headers: { Cookie: `${cookie?.name}=${cookie?.value}` } })
    },
    stop: () => void (isDown = true),
  }
}
