import type { Sessions } from '@coatcheck/core'

/** Where the cookies of a client are: a `Cookie` header, a visitor, a jar, or what a browser in a test has. */
export type Cookies =
  | string
  | { readonly cookie: string }
  | { readonly header: string }
  | readonly { readonly name: string; readonly value: string }[]

export interface ReadSessionOptions {
  /** Whether the cookie was set over https, for `cookie.secure: 'per-request'`. Default: true. */
  readonly secure?: boolean
}

/** What a session holds, apart from the session: changing it changes nothing. */
export interface StoredSession<data extends object> {
  readonly data: data
  /** Who is signed in, or `null`. */
  readonly subject: string | null
}

/**
 * What the store has of the session that these cookies lead to; `null` if they lead to none, for example after a
 * sign-out. It is no use of the session: the idle end stays where it is, and the token is not rotated.
 * @throws {Error} if the session is `unavailable`, and says why: the store did not answer, or a newer version of the app has
 * saved it
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
