import type { HandleOptions } from '@coatcheck/core'
import type { AnySessions, Context } from './session.ts'
import { key } from './session.ts'

/** Fits the middleware of React Router, and that of Remix 3, where the first argument is the context. */
export type Middleware = (
  args: { readonly request: Request; readonly context?: object },
  next: () => Promise<Response>,
) => Promise<Response>

/** Gives the session to loaders, actions and handlers, and saves it with their response. */
export function sessionMiddleware(sessions: AnySessions, options?: HandleOptions): Middleware {
  return async (args, next) => {
    const { request } = args
    const context: Context = args.context ?? args
    const former = context[key]
    if (former && former.request !== request) throw new Error(sharedContext)
    if (former && former.sessions !== sessions) throw new Error(secondSet)
    if (former) return next()
    const lazy = sessions.lazy(request, { ...options, hints: { late } })
    context[key] = { request, sessions, lazy }
    return lazy.around(next)
  }
}

const sharedContext = `Two requests have the same context, so one would get the other’s session: create a context for \
every request (getLoadContext: () => new RouterContextProvider())`

const secondSet = `This request has a session of another createSessions(…), and a context holds one. Give each set of \
sessions routes of its own: export its middleware there, in place of app/root.tsx`

const late = `getSession(context) was called for the first time after the response, so changes would be lost: call \
it earlier, or use saveLate(context, change)`
