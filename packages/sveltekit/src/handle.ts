import type { HandleOptions, LazySession, Sessions } from '@coatcheck/core'
import type { RequestEvent } from '@sveltejs/kit'
import { forScript, isRedirect } from './for-script.ts'
import { shareIdOf, shareWithSubRequests } from './sub-requests.ts'

/** SvelteKit's `Handle`, which SvelteKit 2 and 3 export from different modules. */
export type Handle = (input: {
  readonly event: RequestEvent
  readonly resolve: (event: RequestEvent) => Response | Promise<Response>
}) => Promise<Response>

/**
 * The hook for `src/hooks.server.ts`: `export const handle = createHandle(sessions)`.
 *
 * Saves the session when the response is ready, and sets the cookie. If a load function, action or endpoint throws,
 * SvelteKit makes a response, so the session is still saved: use `discard` to prevent that. If a later hook throws, a
 * `redirect` counts as a response; any other error drops the changes, but not a `destroy`. In a `sequence`, put it
 * first.
 */
export function createHandle<data extends object>(
  sessions: Sessions<data>,
  options?: HandleOptions,
): Handle {
  const shares = new Map<string, LazySession<data>>()

  return async ({ event, resolve }) => {
    const shared = shares.get(shareIdOf(event)) ?? ownOf(sessions, event)
    // SvelteKit defines `search` while it prerenders; `building` has another module in 2 than in 3.
    const source = Object.hasOwn(event.url, 'search') ? null : event.request
    const rules = source === null ? { readOnly } : options
    const lazy = shared ?? sessions.lazy(source, { ...rules, hints })
    madeBy.set(lazy, sessions)
    Object.assign(event.locals, { session: lazy })
    const sharing = { ...event, fetch: shareWithSubRequests(event, lazy, shares) }
    if (shared) return resolve(sharing)

    // After the response SvelteKit replaces `cookies.set` by one that throws, but still sends this one's cookies.
    const setCookie = event.cookies.set
    let response: Response
    try {
      response = await resolve(sharing)
    } catch (thrown) {
      if (!isRedirect(thrown)) lazy.discard()
      const end = lazy.end()
      // What could not be saved matters less than what was thrown.
      const committed = await (isRedirect(thrown) ? end : end.catch(() => null))
      const { cookie, formerCookies = [] } = committed ?? {}
      for (const each of formerCookies) setCookie(each.name, each.value, each)
      if (cookie) setCookie(cookie.name, cookie.value, cookie)
      // Only SvelteKit can add the cookies of the app to a redirect.
      if (!isRedirect(thrown) || !committed?.failure) throw thrown
      const { status, location } = thrown
      response = new Response(null, { status, headers: { Location: location } })
    }
    return forScript(event, lazy, await lazy.answer(response))
  }
}

/** The set of sessions that made a session. */
const madeBy = new WeakMap<object, object>()

/** The session that the request has, for a hook that is in a sequence twice. */
function ownOf<data extends object>(
  sessions: Sessions<data>,
  { locals }: RequestEvent,
): LazySession<data> | undefined {
  const { session } = locals as { readonly session?: LazySession<data> }
  const maker = session && madeBy.get(session)
  if (maker !== undefined && maker !== sessions) throw new Error(secondSet)
  return maker && session
}

const secondSet =
  'This request has a session of another createSessions(…) in event.locals.session, and that property holds one. Call ' +
  "each createHandle(…) for paths of its own, for example by event.url.pathname.startsWith('/admin')"

const readOnly =
  'A prerendered page has no visitor: change the session in an action or endpoint, or set prerender = false'

const hints = {
  late: 'The response has left: call getSession(event) before it is returned, or saveLate(event, change)',
  noSession:
    'saveLate(event, change) found no session, and cannot set a cookie for one: change it earlier',
}
