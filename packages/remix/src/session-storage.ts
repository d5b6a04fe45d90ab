import type {
  Committed,
  Cookie,
  CookieSource,
  HandleOptions,
  LazySession,
  Session,
  SessionState,
} from '@coatcheck/core'
import type { AnySessions } from './session.ts'

/** How long the browser keeps the cookie. How long the session lives is `lifetime` of `createSessions`. */
export interface CookieLife {
  /** In seconds. */
  readonly maxAge?: number | undefined
  /** `maxAge` takes precedence. */
  readonly expires?: Date | undefined
}

type Key<of> = keyof of & string

type Value<data, flash, key> =
  | (key extends keyof data ? data[key] : undefined)
  | (key extends keyof flash ? flash[key] : undefined)
  | undefined

/** The session of React Router and Remix 2, with `state`, `signIn` and `renew` added. */
export interface StoredSession<data, flash> {
  /** The store's key, safe in logs; empty while nothing is stored. */
  readonly id: string
  /** A copy of the data. */
  readonly data: Partial<data & { [key in Key<flash> as `__flash_${key}__`]: flash[key] }>
  readonly has: (name: Key<data> | Key<flash>) => boolean
  /** The value. Reading a flashed value removes it from the session. */
  readonly get: <key extends Key<data> | Key<flash>>(name: key) => Value<data, flash, key>
  readonly set: <key extends Key<data>>(name: key, value: data[key]) => void
  /** Sets a value that can be read once. */
  readonly flash: <key extends Key<flash>>(name: key, value: flash[key]) => void
  readonly unset: (name: Key<data>) => void
  /** `unavailable` if the store cannot be reached: the data is empty, and changes are not saved. */
  readonly state: SessionState
  /** Signs the visitor in at commit, with a new token: protects against session fixation. */
  readonly signIn: Session['signIn']
  /** Gives the session a new token at commit. `signIn` does it by itself. */
  readonly renew: Session['renew']
}

/** Fits `SessionStorage` of React Router 7 and 8 and Remix 2. */
export interface SessionStorage<data, flash> {
  /** Loads the session: one trip, or none without a session cookie. */
  readonly getSession: (cookieHeader?: string | null) => Promise<StoredSession<data, flash>>
  /**
   * Saves the changes, merged with those of other requests, and returns the value for `Set-Cookie`. It is empty,
   * which browsers ignore, if the visitor's cookie stays as it is. Throws the Response of `onFailure` if the
   * session was not saved: a 503 if the visitor could not be signed in.
   */
  readonly commitSession: (session: Held<data, flash>, life?: CookieLife) => Promise<string>
  /**
   * Ends the session everywhere, and returns the value for `Set-Cookie` that deletes the cookie. Throws the
   * Response of `onFailure`, a 503 by default, if the store did not confirm the end.
   */
  readonly destroySession: (session: Held<data, flash>) => Promise<string>
}

/** What commitSession and destroySession need of a session. It must come from getSession. */
type Held<data, flash> = Pick<StoredSession<data, flash>, 'id' | 'data'>

interface Opened {
  readonly source: CookieSource
  readonly lazy: LazySession<object>
}

/**
 * Sessions for code that was written for `createSessionStorage`, and for servers without middleware, such as
 * remix-serve. Prefer `getSession(context)` where there is middleware: one trip for all loaders, and it sets the
 * cookie and saves by itself.
 */
export function sessionStorage<
  data extends object = Record<string, unknown>,
  flash extends object = data,
>(
  sessions: AnySessions<Partial<data>>,
  options?: Pick<HandleOptions, 'onFailure'>,
): SessionStorage<data, flash> {
  const opened = new WeakMap<object, Opened>()

  function openedOf(session: object): Opened {
    const found = opened.get(session)
    if (found !== undefined) return found
    throw new TypeError('This session is not from getSession of the same sessionStorage(sessions)')
  }

  return {
    async getSession(source) {
      const lazy = sessions.lazy(source, options)
      const session = createStoredSession<data, flash>(await lazy.get())
      opened.set(session, { source, lazy })
      return session
    },
    async commitSession(session, life) {
      const cookie = await commit(openedOf(session).lazy)
      return cookie === null ? '' : writeCookie(cookie, life)
    },
    async destroySession(session) {
      const { source, lazy } = openedOf(session)
      const open = lazy.ended ? openAgain(await lazy.commit(), source) : lazy
      ;(await open.get()).destroy()
      return (await commit(open))?.header ?? ''
    },
  }

  /** The session under the token that the visitor has after the commit. */
  function openAgain({ cookie }: Committed, source: CookieSource): LazySession<object> {
    if (cookie === null) return sessions.lazy(source, options)
    const { name, value, secure } = cookie
    return sessions.lazy(`${name}=${value}`, { ...options, secure })
  }
}

/** Throws the answer to a failure, which React Router and Remix send, because a storage makes no response. */
async function commit(lazy: LazySession<object>): Promise<Cookie | null> {
  const { failure, cookie } = await lazy.commit()
  if (failure === null) return cookie
  const answer = await lazy.answer(new Response(null, { status: 204 }))
  if (answer.status !== 204) throw answer
  return cookie
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
    signIn: session.signIn,
    renew: session.renew,
  }
  return stored as unknown as StoredSession<data, flash>
}

/** The key of a flashed value in React Router and Remix. */
function flashed(name: string): string {
  return `__flash_${name}__`
}

function ordinary(name: string): string {
  if (name !== '__proto__') return name
  throw new TypeError('A session cannot store a value under __proto__: use another name')
}

/** The header of a deletion stays as it is. */
function writeCookie({ header, value }: Cookie, { maxAge, expires }: CookieLife = {}): string {
  if (value === '' || (maxAge === undefined && expires === undefined)) return header
  const plain = header.replace(/; Max-Age=\d+/, '')
  if (maxAge !== undefined) return `${plain}; Max-Age=${Math.trunc(maxAge)}`
  return `${plain}; Expires=${expires?.toUTCString()}`
}
