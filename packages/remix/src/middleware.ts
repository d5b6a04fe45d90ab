import type { HandleOptions } from '@coatcheck/core'
import type { AnySessions, Context } from './session.ts'
import { key } from './session.ts'

/** Middleware for React Router, and for Remix 3, where the first argument is the context. */
export type Middleware = (
  args: { readonly request: Request; readonly context?: object },
  next: () => Promise<Response>,
) => Promise<Response>

/** Makes middleware that gives loaders, actions and handlers the session, and saves it with their response. */
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
    // If the visitor disconnects, the frameworks answer without waiting for the action, which continues.
    const whenAborted = (): void => {
      if (request.signal.aborted) lazy.allowLateDestroy(report)
    }
    return lazy.around(async () => {
      try {
        const response = await next()
        whenAborted()
        return response
      } catch (thrown) {
        whenAborted()
        // The action has not failed in that case, so its changes are saved.
        if (request.signal.aborted && thrown === request.signal.reason) await lazy.end()
        throw thrown
      }
    })
  }
}

/** Reports a wrongly set-up store. The action does not wait for it. */
function report(error: unknown): void {
  // oxlint-disable-next-line no-console -- No one else is left who could hear of it.
  console.error(error)
}

const sharedContext = `Two requests have the same context, so one would get the other’s session: create a context for \
every request (getLoadContext: () => new RouterContextProvider())`

const secondSet = `This request has a session of another createSessions(…), and a context holds one. Give each set of \
sessions routes of its own: export its middleware there, in place of app/root.tsx`

const late = `getSession(context) was called for the first time after the response, so changes would be lost: call \
it earlier, or use saveLate(context, change)`
