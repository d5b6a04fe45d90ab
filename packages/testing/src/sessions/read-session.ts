import type { Sessions } from '@coatcheck/core'

/** The cookies of a client: a `Cookie` header, a visitor, a jar, or the cookies of a browser in a test. */
export type Cookies =
  | string
  | { readonly cookie: string }
  | { readonly header: string }
  | readonly { readonly name: string; readonly value: string }[]

export interface ReadSessionOptions {
  /** Whether the cookie was set over https, for `cookie.secure: 'per-request'`. Default: true. */
  readonly secure?: boolean
}

/** A copy of the contents of a session. Changing it does not change the session. */
export interface StoredSession<data extends object> {
  readonly data: data
  /** The subject that is signed in, or `null`. */
  readonly subject: string | null
}

/**
 * Reads the session of these cookies from the store. Resolves with `null` if there is none, for example after a
 * sign-out. This does not count as a use of the session: it does not extend the idle time or rotate the token.
 * @throws {Error} if the session is `unavailable`, and says why: the store did not answer, or a newer version of the
 * app has saved it
 */
export async function readSession<data extends object>(
  sessions: Pick<Sessions<data>, 'lazy'>,
  cookies: Cookies,
  { secure = true }: ReadSessionOptions = {},
): Promise<StoredSession<data> | null> {
  const lazy = sessions.lazy(cookieHeader(cookies), { touch: false, secure })
  try {
    const session = await lazy.get()
    const { state, data, subject } = session
    if (state === 'unavailable') throw new Error(`readSession: the session is ${session.explain()}`)
    return state === 'new' ? null : { data: structuredClone(data), subject }
  } finally {
    await lazy.end()
  }
}

function cookieHeader(cookies: Cookies): string {
  if (typeof cookies === 'string') return cookies
  if ('cookie' in cookies) return cookies.cookie
  if ('header' in cookies) return cookies.header
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
}
