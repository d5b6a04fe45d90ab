import type { Opened, Sessions } from '@coatcheck/core'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'

type Data = Partial<Record<string, unknown>>

/** Real sessions, and what was asked of them. */
export function tracedSessions(): { readonly sessions: Sessions<Data>; readonly calls: string[] } {
  const calls: string[] = []
  const sessions = createSessions<Record<string, unknown>>({ store: memoryStore() })
  const open: Sessions<Data>['open'] = async (source) => {
    calls.push('open')
    return trace(await sessions.open(source), calls)
  }
  return { sessions: { ...sessions, open }, calls }
}

function trace(opened: Opened<Data>, calls: string[]): Opened<Data> {
  const { session, commit } = opened
  const traced = Object.create(session, {
    discard: {
      value: () => {
        calls.push('discard')
        session.discard()
      },
    },
  }) as typeof session
  return {
    ...opened,
    session: traced,
    commit() {
      calls.push('commit')
      return commit()
    },
  }
}
