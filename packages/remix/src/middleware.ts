import type { HandleOptions, LazySession } from '@coatcheck/core'
import { setIdleTimeout } from '@coatcheck/core/remote'
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
    const answer = await settle(next)
    if (request.signal.aborted && !lazy.ended) return answerNoOne(lazy, answer)
    return lazy.around(answer)
  }
}

/** Returns, or throws, what `next` did. */
async function settle(next: () => Promise<Response>): Promise<() => Response> {
  try {
    const response = await next()
    return () => response
  } catch (thrown) {
    return () => {
      throw thrown
    }
  }
}

/** The frameworks answer a request whose visitor has gone, and do not wait for its action, which goes on. */
async function answerNoOne(lazy: LazySession<object>, answer: () => Response): Promise<Response> {
  const saving = lazy.saveSoFar()
  void keepSaving(lazy)
  const saved = await saving.catch(() => null)
  const response = answer()
  await saving
  return saved?.applyTo(response) ?? response
}

/** An action may be under way for about a minute more. The pauses grow with the time that it took until now. */
async function keepSaving(lazy: LazySession<object>): Promise<void> {
  for (let pause = 1; pause < 2 ** 16 && !lazy.ended; pause *= 2) {
    await new Promise<void>((resolve) => void setIdleTimeout(resolve, pause))
    await lazy.saveSoFar().catch(() => {})
  }
  // oxlint-disable-next-line no-console -- No one is left who could hear of it.
  await lazy.end().catch(console.error)
}

const sharedContext = `Two requests have the same context, so one would get the other’s session: create a context for \
every request (getLoadContext: () => new RouterContextProvider())`

const secondSet = `This request has a session of another createSessions(…), and a context holds one. Give each set of \
sessions routes of its own: export its middleware there, in place of app/root.tsx`

const late = `getSession(context) was called for the first time after the response, so changes would be lost: call \
it earlier, or use saveLate(context, change)`
