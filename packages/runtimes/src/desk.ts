import type { Committed, Session, Sessions, SessionStore, SessionsOptions } from '@coatcheck/core'
import type { World } from './case.ts'

export type Values = Record<string, unknown>

/** Sessions on a store, with a clock that stands still, and what happened. */
export interface Desk {
  readonly sessions: Sessions<Values>
  readonly store: SessionStore
  readonly clock: { now: number }
  readonly events: { readonly type: string }[]
  /** How often the store was asked. */
  readonly trips: () => number
  /** Opens, changes and commits. `cookie`: the request's, and then the one that the visitor has. */
  readonly visit: (cookie: string, work?: (session: Session<Values>) => unknown) => Promise<Visit>
}

export interface Visit {
  readonly committed: Committed
  readonly cookie: string
  readonly data: Values
  readonly state: string
}

export const secret = 'a secret of more than thirty-two bytes'

export function setUp(world: World, options: Partial<SessionsOptions<Values>> = {}): Desk {
  const clock = { now: 1_800_000_000_000 }
  const now = () => clock.now
  const inner = options.store ?? world.memory.memoryStore({ now })
  let asked = 0
  const counted =
    <args extends unknown[], result>(call: (...args: args) => result) =>
    (...args: args): result => {
      asked++
      return call(...args)
    }
  const store: SessionStore = {
    load: counted((id, expiresAt) => inner.load(id, expiresAt)),
    create: counted((id, bytes, expiresAt) => inner.create(id, bytes, expiresAt)),
    save: counted((id, bytes, expiresAt, version) => inner.save(id, bytes, expiresAt, version)),
    delete: counted((id, version) => inner.delete(id, version)),
    ...(inner.scope === undefined ? {} : { scope: () => inner.scope!() }),
  }
  const events: { readonly type: string }[] = []
  const testing = options.store === undefined ? { now } : {}
  const sessions = world.core.createSessions<Values>({
    secrets: [secret],
    onEvent: (event) => void events.push(event),
    ...options,
    store,
    testing: { ...testing, ...options.testing },
  })
  return {
    sessions,
    store: inner,
    clock,
    events,
    trips: () => asked,
    async visit(cookie, work = () => {}) {
      const { session, commit } = await sessions.open(cookie)
      const { state } = session
      const data = { ...session.data }
      await work(session)
      const committed = await commit()
      const next = committed.cookie
      return {
        committed,
        state,
        data,
        cookie: next === null ? cookie : `${next.name}=${next.value}`,
      }
    },
  }
}

/** A request of a browser. */
export function request(cookie = ''): Request {
  return new Request('https://app.example/', { headers: { cookie } })
}

/** The cookie that a response sets; empty if it sets none. */
export function cookieOf(response: Response): string {
  const [line = ''] = response.headers.getSetCookie().filter((each) => each.includes('sid='))
  return line.split(';')[0]!
}

/** A store that cannot be reached. */
export function brokenStore(error: Error = new Error('down')): SessionStore {
  const fail = () => Promise.reject(error)
  return { load: fail, create: fail, save: fail, delete: fail }
}
