import type { Committed, Opened, Outcome, Session } from '@coatcheck/core'
import type { Room } from './room.ts'

/** The session of one request, from one place to the next. */
export interface Visit {
  /** The session as this request knows it, for looking at. Loads it when nobody did before. */
  readonly read: () => Promise<Session<object>>
  /** The session for changing: loaded anew, unless the one there is was not saved yet. */
  readonly write: () => Promise<Opened<object>>
  /** What the code behind may be given to look at; `null`: it is to load the session by itself. */
  readonly shown: () => Promise<Opened<object> | null>
  /** What opens the session as it is now. */
  readonly cookies: () => string | null
  /** Whether this session of the visit's is one that will still be saved. */
  readonly isWritable: (session: object) => boolean
}

/** After these a session is what it looks like. After the others it is to be loaded again, if at all. */
const asShown: readonly Outcome[] = ['unchanged', 'created', 'saved', 'renewed', 'rotated']

/** `given`: what the proxy left. */
export function createVisit(
  room: Room,
  header: string | null,
  given: Opened<object> | null,
): Visit {
  let cookies = header
  let shown = given === null ? null : Promise.resolve(given)
  let writable: object | null = null
  if (given !== null) room.visits.set(given.session, visit())

  function settle(opened: Opened<object>, { outcome, cookie }: Committed): void {
    writable = null
    if (cookie !== null) cookies = cookie.value === '' ? null : `${cookie.name}=${cookie.value}`
    shown = asShown.includes(outcome) ? Promise.resolve(opened) : null
  }

  async function open(): Promise<Opened<object>> {
    const opened = await room.sessions().open(cookies)
    room.visits.set(opened.session, visit())
    return opened
  }

  function visit(): Visit {
    return {
      async read() {
        const { session, lock } = await (shown ??= open())
        lock(readOnly)
        return session
      },
      async write() {
        const opened = await open()
        writable = opened.session
        const commit = async (): Promise<Committed> => {
          const committed = await opened.commit()
          settle(opened, committed)
          return committed
        }
        return { ...opened, commit }
      },
      shown: async () => shown,
      cookies: () => cookies,
      isWritable: (session) => session === writable,
    }
  }

  return visit()
}

export const readOnly: string =
  'Here the session can be read, but not changed: write in a server action or route handler that is ' +
  'wrapped in handle(), or in proxy.ts; after the response has left, by saveLate(session, change)'
