import type { Cookie, RenewOptions, Session, SessionState } from '@coatcheck/core'
import type { Opens, Visit } from './visit.ts'
import { createVisit } from './visit.ts'

/** The browser's side of a session's life, where a cookie is set. The server's is `lifetime`. */
export interface CookieLife {
  /** Seconds that the browser keeps the cookie. */
  readonly maxAge?: number | undefined
  /** Until when the browser keeps the cookie. `maxAge` takes precedence. */
  readonly expires?: Date | undefined
}

type Key<of> = keyof of & string

type Value<data, flash, key> =
  | (key extends keyof data ? data[key] : undefined)
  | (key extends keyof flash ? flash[key] : undefined)
  | undefined

/** A session as React Router and Remix 2 know it, with what they have no word for. */
export interface StoredSession<data, flash> {
  /** The store's key, safe in logs; empty while nothing is stored. */
  readonly id: string
  /** A copy of what the session holds. */
  readonly data: Partial<data & { [key in Key<flash> as `__flash_${key}__`]: flash[key] }>
  readonly has: (name: Key<data> | Key<flash>) => boolean
  /** The value; a flashed one leaves the session by being read. */
  readonly get: <key extends Key<data> | Key<flash>>(name: key) => Value<data, flash, key>
  readonly set: <key extends Key<data>>(name: key, value: data[key]) => void
  /** Sets a value that is there until it is read once. */
  readonly flash: <key extends Key<flash>>(name: key, value: flash[key]) => void
  readonly unset: (name: Key<data>) => void
  /** `unavailable` when the store cannot be reached: the session is empty, and nothing is saved. */
  readonly state: SessionState
  /** Gives the session a new token at commit. Call it at login, against session fixation. */
  readonly renew: (options?: RenewOptions) => void
}

/** Fits `SessionStorage` of React Router 7 and 8 and Remix 2. */
export interface SessionStorage<data, flash> {
  /** Loads the session: one trip, or none without a cookie of ours. */
  readonly getSession: (cookieHeader?: string | null) => Promise<StoredSession<data, flash>>
  /**
   * Saves what changed, merged with what others saved meanwhile, and gives the value for
   * `Set-Cookie`. It is empty, which browsers ignore, when the visitor's cookie is to be left
   * alone.
   */
  readonly commitSession: (session: Held<data, flash>, life?: CookieLife) => Promise<string>
  /** Ends the session everywhere, and gives the value for `Set-Cookie` that deletes the cookie. */
  readonly destroySession: (session: Held<data, flash>) => Promise<string>
}

/** What commitSession and destroySession need of a session: that getSession gave it. */
type Held<data, flash> = Pick<StoredSession<data, flash>, 'id' | 'data'>

/**
 * Sessions for code that was written against `createSessionStorage`, and for servers without a
 * place for middleware, such as remix-serve. Prefer `getSession(context)` where there is one: it
 * makes one trip for all loaders, sets the cookie by itself, and saves without being asked.
 */
export function sessionStorage<
  data extends object = Record<string, unknown>,
  flash extends object = data,
>(sessions: Opens<Partial<data>>): SessionStorage<data, flash> {
  const visits = new WeakMap<object, Visit>()

  function visitOf(session: object): Visit {
    const visit = visits.get(session)
    if (visit !== undefined) return visit
    throw new TypeError('This session is not from getSession of the same sessionStorage(sessions)')
  }

  return {
    async getSession(cookieHeader) {
      const visit = createVisit(sessions, cookieHeader)
      const session = createStoredSession<data, flash>((await visit.open()).session)
      visits.set(session, visit)
      return session
    },
    async commitSession(session, life) {
      const { cookie } = await visitOf(session).save()
      return cookie === null ? '' : writeCookie(cookie, life)
    },
    async destroySession(session) {
      const visit = visitOf(session)
      const isLate = visit.hasEnded()
      const opened = await (isLate ? visit.openAgain() : visit.open())
      opened.session.destroy()
      const { cookie } = await (isLate ? opened.commit() : visit.save())
      return cookie?.header ?? ''
    },
  }
}

function createStoredSession<data, flash>(session: Session<object>): StoredSession<data, flash> {
  const values = session.data as Record<string, unknown>
  const stored = {
    get id() {
      return session.id ?? ''
    },
    get data() {
      return { ...values }
    },
    has: (name: string) => Object.hasOwn(values, name) || Object.hasOwn(values, flashed(name)),
    get(name: string): unknown {
      if (Object.hasOwn(values, name)) return values[name]
      if (!Object.hasOwn(values, flashed(name))) return undefined
      const value = values[flashed(name)]
      delete values[flashed(name)]
      return value
    },
    set(name: string, value: unknown): void {
      values[ordinary(name)] = value
    },
    flash(name: string, value: unknown): void {
      values[flashed(name)] = value
    },
    unset(name: string): void {
      delete values[name]
    },
    state: session.state,
    renew: session.renew,
  }
  return stored as unknown as StoredSession<data, flash>
}

/** The key that React Router and Remix keep a flashed value under. */
function flashed(name: string): string {
  return `__flash_${name}__`
}

function ordinary(name: string): string {
  if (name !== '__proto__') return name
  throw new TypeError('A session keeps nothing under __proto__: use another name')
}

/** A deletion stays one, whatever life was wanted. */
function writeCookie({ header, value }: Cookie, { maxAge, expires }: CookieLife = {}): string {
  if (value === '' || (maxAge === undefined && expires === undefined)) return header
  const plain = header.replace(/; Max-Age=\d+/, '')
  if (maxAge !== undefined) return `${plain}; Max-Age=${Math.trunc(maxAge)}`
  return `${plain}; Expires=${expires?.toUTCString()}`
}
