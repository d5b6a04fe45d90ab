import type { Committed, Cookie, HandleOptions, LazySession, Session } from '@coatcheck/core'
import { SessionError } from '@coatcheck/core'
import type { AuthChange, AuthValues } from './auth-values.ts'
import { authChange, authValues } from './auth-values.ts'
import type { AnySessions } from './session.ts'
import type { Asked, Key, StoredSession } from './stored-session.ts'
import { createStoredSession } from './stored-session.ts'

/** How long the browser keeps the cookie. How long the session lives is `lifetime` of `createSessions`. */
export interface CookieLife {
  /** In seconds. */
  readonly maxAge?: number | undefined
  /** `maxAge` takes precedence. */
  readonly expires?: Date | undefined
}

export interface SessionStorageOptions<data> extends Pick<HandleOptions, 'onFailure'> {
  /**
   * The keys for the signed-in user and their rights, the user first, such as `['userId', 'role']`. Use `[]` if the application has no
   * login, or calls `session.signIn` at each login. A commit that sets or changes one of them is a sign-in, like
   * `renew({ withoutSubject: true })`: a new token, and no subject. A commit that removes the last of them (`unset`, or
   * the value `undefined`, `null`, `false` or `''`) is a sign-out: it ends the session everywhere, and creates a session
   * with the rest of the data; `unset` of the first key does so also if the session could not be read. A commit that
   * removes another one renews the session.
   */
  readonly authKeys: readonly Key<data>[]
}

/** Compatible with `SessionStorage` of React Router 7 and 8 and Remix 2. */
export interface SessionStorage<data, flash> {
  /** Loads the session: one trip, or none without a session cookie. */
  readonly getSession: (cookieHeader?: string | null) => Promise<StoredSession<data, flash>>
  /**
   * Saves the changes, merged with those of other requests, and returns the value for `Set-Cookie`. It is empty,
   * which browsers ignore, if the visitor's cookie stays as it is. Throws the Response of `onFailure` if the
   * session was not saved: a 503 if the visitor could not be signed in.
   *
   * If the session has been ended meanwhile, a commit that sets an auth key saves only what its request has changed. If
   * that is not all auth keys that have a value (a new role, and not its user), nothing is saved: it throws the
   * Response of this `onFailure` (`gone`), or a 503. A commit that removes the last auth key goes on with what its
   * request has set, if the session had a subject.
   */
  readonly commitSession: (session: Held<data, flash>, life?: CookieLife) => Promise<string>
  /**
   * Ends the session everywhere, and returns the value for `Set-Cookie` that deletes the cookie. Throws the
   * Response of `onFailure`, a 503 by default, if the store did not confirm the end.
   */
  readonly destroySession: (session: Held<data, flash>) => Promise<string>
}

/** What commitSession and destroySession need from a session. It must come from getSession. */
type Held<data, flash> = Pick<StoredSession<data, flash>, 'id' | 'data'>

/** A session returned by getSession. */
interface Opened extends Asked {
  /** The commit that is under way. */
  saving?: Promise<Cookie | null> | undefined
  readonly before: AuthValues
  /** After a commit: the session whose cookie the visitor has. */
  lazy: LazySession<object>
  /** Opens the session under the visitor's token. */
  reopen: () => LazySession<object>
  /** Whether its sign-in was refused: the visitor still has the cookie from before. */
  isRefused?: boolean
}

/**
 * Sessions for code that was written for `createSessionStorage`, and for servers without middleware, such as
 * remix-serve. Prefer `getSession(context)` where there is middleware: one trip for all loaders, and it sets the
 * cookie and saves by itself.
 * @throws {SessionError} `invalid-option`, if `sessions` or `authKeys` is missing.
 */
export function sessionStorage<
  data extends object = Record<string, unknown>,
  flash extends object = data,
>(
  sessions: AnySessions<Partial<data>>,
  options: SessionStorageOptions<data>,
): SessionStorage<data, flash> {
  checkSessions(sessions)
  const authKeys = readAuthKeys(options)
  const opened = new WeakMap<object, Opened>()

  function openedOf(session: object): Opened {
    const found = opened.get(session)
    if (found !== undefined) return found
    throw new TypeError('This session is not from getSession of the same sessionStorage(sessions)')
  }

  return {
    async getSession(source) {
      const lazy = sessions.lazy(source, options)
      const held = await lazy.get()
      const before = authValues(held.data, authKeys)
      const reopen = () => sessions.lazy(source, options)
      const asked = { isClaimed: false, given: new Set<string>(), unset: new Set<string>() }
      const one: Opened = { ...asked, before, lazy, reopen }
      const session = createStoredSession<data, flash>(held, one, authKeys)
      opened.set(session, one)
      return session
    },
    async commitSession(session, life) {
      checkLife(life)
      const cookie = await saveOnce(openedOf(session))
      return cookie === null ? '' : writeCookie(cookie, life)
    },
    async destroySession(session) {
      const one = openedOf(session)
      await one.saving?.catch(() => {})
      if (one.lazy.ended) {
        if (!one.isRefused) one.reopen = opener(await one.lazy.commit()) ?? one.reopen
        one.lazy = one.reopen()
      }
      ;(await one.lazy.get()).destroy()
      return (await commit(one.lazy)).cookie?.header ?? ''
    },
  }

  function saveOnce(one: Opened): Promise<Cookie | null> {
    one.saving ??= save(one).finally(() => {
      one.saving = undefined
    })
    return one.saving
  }

  async function save(one: Opened): Promise<Cookie | null> {
    if (one.isRefused) return refuseSignIn()
    if (one.lazy.ended) return cookieOf(one.lazy)
    const session = await one.lazy.get()
    const change = changeOf(one, session)
    if (one.isClaimed) return signIn(one, session)
    if (change === 'sign-out') return signOut(one, session)
    if (change === 'sign-in') {
      session.renew({ withoutSubject: true })
      return signIn(one, session)
    }
    if (change === 'less') session.renew()
    return cookieOf(one.lazy)
  }

  function changeOf(
    { before, given, unset }: Opened,
    { state, data }: Session<object>,
  ): AuthChange {
    const now = authValues(data, authKeys)
    if (state === 'live' || now.size > 0) return authChange(before, now)
    // The visitor may have a session that could not be read: after a renewal, in an outage or without its secret. There
    // a renewal fails, and ends nothing: `set('role', user?.role ?? null)` means no sign-out, nor does `unset` of a right.
    if (authKeys[0] !== undefined && unset.has(authKeys[0])) return 'sign-out'
    return authKeys.some((key) => given.has(key) || unset.has(key)) ? 'less' : 'none'
  }

  async function signIn(one: Opened, session: Session<object>): Promise<Cookie | null> {
    const committed = await commit(one.lazy)
    const reopen = opener(committed)
    const mayBeAlone = committed.outcome === 'created' && session.state === 'live'
    if (mayBeAlone && reopen !== null) {
      // Also if the look fails.
      one.isRefused = true
      one.isRefused = !(await hasAll(reopen(), session.data))
      if (one.isRefused) return refuseSignIn()
    }
    return committed.cookie
  }

  /**
   * Whether the new session has all auth keys that this request saw. If its session has ended meanwhile, it has only
   * what the request changed, which may be a right without its user: then it is ended.
   */
  async function hasAll(lazy: LazySession<object>, seen: object): Promise<boolean> {
    const session = await lazy.get()
    const change = authChange(authValues(session.data, authKeys), authValues(seen, authKeys))
    if (change !== 'none') session.destroy()
    await lazy.commit()
    return change === 'none'
  }

  /**
   * Ends the session, together with its subject, and continues with its data in a new one. If it had ended before, by a
   * sign-out or a revocation, its data ended with it, and only what this request has set remains.
   */
  async function signOut(one: Opened, session: Session<object>): Promise<Cookie | null> {
    const { subject } = session
    const hasEnded = subject !== null && !(await isListed(subject, session.ref))
    // First, because a value that cannot be stored fails the commit, which then has ended nothing.
    const next = await begin(hasEnded ? givenData(one, session) : session.data)
    session.destroy()
    const { cookie, failure } = await commit(one.lazy)
    // An `onFailure` that throws nothing leaves the visitor the cookie of the session, which may be alive.
    if (next === null || failure !== null) return cookie
    try {
      const begun = await cookieOf(next)
      if (begun !== null) one.lazy = next
      return begun ?? cookie
    } catch (error) {
      if (cookie === null) throw error
      return cookie
    }
  }

  /** Whether the session is in its subject's list, and so has not ended. An outage is no end. */
  async function isListed(subject: string, ref: string | null): Promise<boolean> {
    try {
      return (await sessions.list(subject)).some((each) => each.ref === ref)
    } catch (error) {
      if (isOutage(error)) return true
      throw error
    }
  }

  /** Nothing goes on, and the session is not ended: it may have been signed in again. */
  async function refuseSignIn(): Promise<never> {
    const failure = { outcome: 'gone', asked: 'sign-in' } as const
    throw (await options.onFailure?.(failure, new Response(null, { status: 204 }))) ?? notSignedIn()
  }

  function givenData({ given }: Opened, { data }: Session<object>): object {
    return Object.fromEntries(Object.entries(data).filter(([key]) => given.has(key)))
  }

  /** Stores the data in a new session, if there are any. An outage is left to the commit of the session. */
  async function begin(data: object): Promise<LazySession<object> | null> {
    if (Object.keys(data).length === 0) return null
    const lazy = sessions.lazy(null, options)
    Object.assign((await lazy.get()).data, data)
    try {
      await lazy.commit()
    } catch (error) {
      if (!isOutage(error)) throw error
    }
    return lazy
  }

  /** Opens the session under the token that the commit gives the visitor; `null` if it gives none. */
  function opener({ cookie }: Committed): Opened['reopen'] | null {
    if (cookie === null || cookie.value === '') return null
    const { name, value, secure } = cookie
    return () => sessions.lazy(`${name}=${value}`, { ...options, secure })
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof SessionError && error.code === 'unavailable'
}

function checkSessions(sessions: Partial<AnySessions> | null | undefined): void {
  if (typeof sessions?.lazy === 'function') return
  throw new SessionError('invalid-option', 'sessionStorage: give it the result of createSessions')
}

function readAuthKeys(options: { readonly authKeys?: unknown } | undefined): readonly string[] {
  const keys = options?.authKeys
  if (Array.isArray(keys) && keys.every((key) => typeof key === 'string')) return keys
  throw new SessionError(
    'invalid-option',
    "sessionStorage: name the keys that mean a sign-in, such as { authKeys: ['userId'] }, or [] if there is no login",
  )
}

/** Throws the failure response, which React Router and Remix send, because a storage returns no response. */
async function commit(lazy: LazySession<object>): Promise<Committed> {
  const committed = await lazy.commit()
  if (committed.failure === null) return committed
  const answer = await lazy.answer(new Response(null, { status: 204 }))
  if (answer.status !== 204) throw answer
  return committed
}

async function cookieOf(lazy: LazySession<object>): Promise<Cookie | null> {
  return (await commit(lazy)).cookie
}

/** As `onFailure` of the core has it by default. */
function notSignedIn(): Response {
  const text = 'You could not be signed in. Please try again in a few seconds.\n'
  const headers = { 'Retry-After': '5', 'Content-Type': 'text/plain; charset=utf-8' }
  return new Response(text, { status: 503, headers })
}

/** The header of a deletion is not changed. */
function writeCookie({ header, value }: Cookie, { maxAge, expires }: CookieLife = {}): string {
  if (value === '' || (maxAge === undefined && expires === undefined)) return header
  const plain = header.replace(/; Max-Age=\d+/, '')
  if (maxAge !== undefined) return `${plain}; Max-Age=${Math.trunc(maxAge)}`
  return `${plain}; Expires=${expires?.toUTCString()}`
}

/** Checked before anything is saved: browsers ignore an invalid time, and would drop the cookie when they close. */
function checkLife({ maxAge, expires }: CookieLife = {}): void {
  if (maxAge !== undefined && !Number.isFinite(maxAge)) {
    throw new TypeError('commitSession: maxAge must be a number of seconds')
  }
  if (expires !== undefined && !(expires instanceof Date && Number.isFinite(expires.getTime()))) {
    throw new TypeError('commitSession: expires must be a valid Date')
  }
}
