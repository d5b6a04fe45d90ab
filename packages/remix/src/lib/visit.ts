import type { Committed, CookieSource, Opened, Session, Sessions } from '@coatcheck/core'
import { explainMissing } from './missing.ts'

/** What an adapter needs of `createSessions(...)`. */
export type Opens<data extends object = object> = Pick<Sessions<data>, 'open'>

/** The session that `sessions` gives: `SessionOf<typeof sessions>`. */
export type SessionOf<sessions extends Opens> =
  sessions extends Opens<infer data> ? Session<data> : never

/** What a commit did. The cookie goes with the answer, without anybody's help. */
export type Saved = Pick<Committed, 'outcome'>

/** One request's session: loaded when it is first asked for, saved when the request is answered. */
export interface Visit {
  readonly source: CookieSource
  /** Opens the session when first called; the same one ever after. */
  readonly open: () => Promise<Opened<object>>
  /** Has the changes dropped at the end; a `destroy` is carried out. */
  readonly discard: () => void
  /** Saves before the end. */
  readonly save: () => Promise<Committed>
  /** Saves. From now on nothing is taken. `null`: nobody asked for the session. */
  readonly end: () => Promise<Committed | null>
  readonly hasEnded: () => boolean
  /** Opens the session as it is stored now, for a save of its own, once this one has ended. */
  readonly openAgain: () => Promise<Opened<object>>
}

/** Where a context keeps its visit. Registered, so that a server and its bundle agree on it. */
const place: unique symbol = Symbol.for('@coatcheck/remix')

/**
 * Answers a request by `next`, whose code finds the visit by the context. What `next` throws is
 * treated as `sessions.handle` does: a Response is an answer, after anything else the changes are
 * dropped.
 */
export async function serve(
  sessions: Opens,
  request: Request,
  context: object,
  next: () => Promise<Response>,
): Promise<Response> {
  const former = findVisit(context)
  if (former?.source === request) return next()
  if (former && !former.hasEnded()) throw new Error(sharedContext)
  const visit = createVisit(sessions, request)
  Object.assign(context, { [place]: visit })
  let response: Response
  try {
    response = await next()
  } catch (thrown) {
    if (isResponse(thrown)) throw apply(await visit.end(), thrown)
    visit.discard()
    // What could not be saved matters less than what was thrown.
    await visit.end().catch(() => {})
    throw thrown
  }
  return apply(await visit.end(), response)
}

/** The visit of a context. Where there is none, throws what is missing, in the name of `caller`. */
export function visitOf(context: unknown, caller: string): Visit {
  const visit = findVisit(context)
  if (visit !== undefined) return visit
  throw new Error(`${caller}(context): ${explainMissing(context)}`)
}

function findVisit(context: unknown): Visit | undefined {
  return (context as { [place]?: Visit } | null | undefined)?.[place]
}

export function createVisit(sessions: Opens, source: CookieSource): Visit {
  let opened: Promise<Opened<object>> | null = null
  let ended: Promise<Committed | null> | null = null
  let dropped = false

  async function openFirst(): Promise<Opened<object>> {
    const late = ended !== null
    const held = await sessions.open(source)
    if (late) held.lock(tooLate)
    // Who asks, looks: it may be in a promise that is streamed after the headers.
    void held.session.state
    return held
  }

  async function commit(): Promise<Committed | null> {
    // Who asked for what could not be opened has heard so, and answered accordingly.
    const held = await opened?.catch(() => null)
    if (!held) return null
    if (dropped && !drop(held.session)) return null
    return held.commit()
  }

  const open = (): Promise<Opened<object>> => (opened ??= openFirst())

  const end = (): Promise<Committed | null> =>
    (ended ??= commit().catch((error: unknown) => {
      ended = null
      throw error
    }))

  return {
    source,
    open,
    discard: () => void (dropped = true),
    async save() {
      await open()
      return (await end()) as Committed
    },
    end,
    hasEnded: () => ended !== null,
    async openAgain() {
      const cookie = (await ended)?.cookie
      if (!cookie) return sessions.open(source)
      return sessions.open(`${cookie.name}=${cookie.value}`, { secure: cookie.secure })
    },
  }
}

/**
 * False when a commit has failed so late that the session is closed: there is nothing to save,
 * then.
 */
function drop(session: Session<object>): boolean {
  try {
    session.discard()
    return true
  } catch {
    return false
  }
}

function apply(committed: Committed | null, response: Response): Response {
  return committed === null ? response : committed.applyTo(response)
}

/** By shape: Remix 2 may bring its own class. */
function isResponse(value: unknown): value is Response {
  const { status, headers } = (value ?? {}) as Partial<Response>
  return typeof status === 'number' && typeof headers?.append === 'function'
}

const tooLate =
  'getSession(context) was called for the first time after the response, so nothing would save ' +
  'this: call it earlier, or saveLate(context, change)'

const sharedContext =
  'Two requests at once have the same context, so each would get the other’s session: make a ' +
  'new context for every request (getLoadContext: () => new RouterContextProvider())'
