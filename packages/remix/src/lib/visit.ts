import type { Committed, Opened, Session, Sessions } from '@coatcheck/core'

/** What an adapter needs of `createSessions(...)`. */
export type Opens<data extends object = object> = Pick<Sessions<data>, 'open'>

/** The session that `sessions` gives: `SessionOf<typeof sessions>`. */
export type SessionOf<sessions extends Opens> =
  sessions extends Opens<infer data> ? Session<data> : never

/** What a commit did. The cookie goes with the answer, without anybody's help. */
export type Saved = Pick<Committed, 'outcome'>

/** One request's session: loaded when it is first asked for, saved when the request is answered. */
interface Visit {
  readonly request: Request
  readonly open: () => Promise<Opened<object>>
  readonly isOver: () => boolean
  /** Saves, and gives what puts the cookie on the answer. */
  readonly end: () => Promise<(response: Response) => Response>
  /** Drops the changes, for want of an answer; a `destroy` is carried out. */
  readonly drop: () => Promise<void>
}

/** Where a context keeps its visit. Registered, so that a server and its bundle agree on it. */
const place: unique symbol = Symbol.for('@coatcheck/remix')

/**
 * Answers a request by `next`, whose code finds the session by `askFor(context)`. What `next` throws is
 * treated as `sessions.handle` does: a Response is an answer, after anything else the changes are dropped.
 */
export async function serve(
  sessions: Opens,
  request: Request,
  context: object,
  next: () => Promise<Response>,
): Promise<Response> {
  const former = visitOf(context)
  if (former?.request === request) return next()
  if (former && !former.isOver()) throw new Error(sharedContext)
  const visit = createVisit(sessions, request)
  Object.assign(context, { [place]: visit })
  let response: Response
  try {
    response = await next()
  } catch (thrown) {
    if (isResponse(thrown)) throw (await visit.end())(thrown)
    await visit.drop()
    throw thrown
  }
  return (await visit.end())(response)
}

/** The session of the request that has this context. Without one, rejects with what `explain` says. */
export async function askFor<sessions extends Opens>(
  context: unknown,
  explain: (context: unknown) => string,
): Promise<SessionOf<sessions>> {
  const visit = visitOf(context)
  if (visit === undefined) throw new Error(`getSession(context): ${explain(context)}`)
  return (await visit.open()).session as SessionOf<sessions>
}

/** Saves before the answer is made. What `serve` does at the end then only sets the cookie. */
export async function commitFor(
  context: unknown,
  explain: (context: unknown) => string,
): Promise<Saved> {
  const visit = visitOf(context)
  if (visit === undefined) throw new Error(`commit(context): ${explain(context)}`)
  const { outcome } = await (await visit.open()).commit()
  return { outcome }
}

function visitOf(context: unknown): Visit | undefined {
  return (context as { [place]?: Visit } | null | undefined)?.[place]
}

function createVisit(sessions: Opens, request: Request): Visit {
  let opened: Promise<Opened<object>> | null = null
  let over = false

  async function open(): Promise<Opened<object>> {
    const late = over
    const held = await sessions.open(request)
    if (late) held.lock(tooLate)
    // Who asks, looks: it may be in a promise that is streamed after the headers.
    void held.session.state
    return held
  }

  /** Who asked for what could not be opened has heard so, and answered accordingly: `null`. */
  async function close(): Promise<Opened<object> | null> {
    over = true
    return (await opened?.catch(() => null)) ?? null
  }

  return {
    request,
    isOver: () => over,
    open: () => (opened ??= open()),
    async end() {
      const committed = await (await close())?.commit()
      return committed?.applyTo ?? ((response) => response)
    },
    async drop() {
      const held = await close()
      try {
        held?.session.discard()
        await held?.commit()
      } catch {
        // Saved already, by commit(context), or not to be saved: what is thrown matters more.
      }
    },
  }
}

/** By shape: Remix 2 may bring its own class. */
function isResponse(value: unknown): value is Response {
  const { status, headers } = (value ?? {}) as Partial<Response>
  return typeof status === 'number' && typeof headers?.append === 'function'
}

const tooLate =
  'getSession(context) was called for the first time after the response, so nothing can be saved with ' +
  'it: call it earlier, or save by yourself: const { session, commit } = await sessions.open(request)'

const sharedContext =
  'Two requests at once have the same context, so each would get the other’s session: make a new ' +
  'context for every request (getLoadContext: () => new RouterContextProvider())'
