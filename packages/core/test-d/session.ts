/** What an app may and may not do with a session. Compiled by `types.test.ts`, never run. */
import { createSessions, SessionError, take } from '@coatcheck/core'
import type {
  Asked,
  Committed,
  Failure,
  LazySession,
  Opened,
  Outcome,
  Session,
  SessionErrorStatus,
  SessionOf,
  SessionState,
} from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import type { Equal } from './expect.ts'
import { same } from './expect.ts'

interface Visitor {
  visits: number
  name?: string
  tags: string[]
  cart: Map<string, number>
}

const store = memoryStore()
const sessions = createSessions<Visitor>({ store })
const untyped = createSessions({ store })

export async function use(request: Request): Promise<void> {
  const { session, commit, lock } = await sessions.open(request)

  // An interface is taken as it is, and every key of it may be missing.
  same<Equal<typeof session.data, Partial<Visitor>>>()
  session.data.visits = (session.data.visits ?? 0) + 1
  session.data.tags?.push('new')
  session.data.cart?.set('tea', 1)
  delete session.data.name
  const { visits = 0, ...rest } = session.data
  same<Equal<typeof visits, number>>()
  same<Equal<keyof typeof rest, 'name' | 'tags' | 'cart'>>()
  // @ts-expect-error: may be missing
  session.data.tags.push('new')
  // @ts-expect-error: a misspelt key
  session.data.visit = 1
  // @ts-expect-error: a misspelt key, read
  void session.data.visists
  // @ts-expect-error: of another type
  session.data.visits = '1'
  // @ts-expect-error: null is not among its types
  session.data.name = null

  const name = take(session.data, 'name')
  same<Equal<typeof name, string | undefined>>()
  const anything = take((await untyped.open(request)).session.data, 'anything')
  same<Equal<typeof anything, unknown>>()
  // @ts-expect-error: a misspelt key
  take(session.data, 'nmae')
  // @ts-expect-error: its type says that it is always there
  take<{ visits: number }, 'visits'>({ visits: 1 }, 'visits')

  // Nothing of a session can be replaced.
  // @ts-expect-error: the object stays
  session.data = {}
  // @ts-expect-error: found by loading
  session.state = 'live'
  // @ts-expect-error: given by the commit
  session.id = null
  // @ts-expect-error: kept by the record
  session.createdAt = new Date()
  // @ts-expect-error: kept by the record
  session.renewedAt = null
  // @ts-expect-error: a method
  session.renew = () => {}
  // @ts-expect-error: given by signIn
  session.subject = 'zoë'
  // @ts-expect-error: a sign-out is destroy
  session.subject = null
  // @ts-expect-error: given by signIn
  session.ref = 'the ref'
  // @ts-expect-error: an option of signIn
  session.label = 'Firefox'

  // Asked for at once, done at commit: nothing to await.
  same<Equal<ReturnType<typeof session.renew>, void>>()
  same<Equal<ReturnType<typeof session.signIn>, void>>()
  session.signIn('zoë')
  session.signIn('zoë', { label: 'Firefox' })
  session.signIn('zoë', { label: null })
  session.signIn('zoë', { persist: true })
  same<Equal<typeof session.isPersistent, boolean>>()
  // @ts-expect-error: a box of a form gives text
  session.signIn('zoë', { persist: 'on' })
  // @ts-expect-error: given by signIn
  session.isPersistent = true
  session.renew({ reauthenticated: true })
  session.requireFresh(60)
  same<Equal<ReturnType<typeof session.explain>, string>>()
  // @ts-expect-error: a misspelt option
  session.renew({ reauthenticate: true })
  // @ts-expect-error: how many seconds?
  session.requireFresh()
  // @ts-expect-error: who?
  session.signIn()
  // @ts-expect-error: accounts are named by text
  session.signIn(42)
  // @ts-expect-error: a sign-out is destroy
  session.signIn(null)
  // @ts-expect-error: a misspelt option
  session.signIn('zoë', { lable: 'Firefox' })
  // @ts-expect-error: a label is text
  session.signIn('zoë', { label: 1 })
  // @ts-expect-error: takes no such option
  session.destroy({ everywhere: true })
  // @ts-expect-error: there is no save: a commit does it
  session.save()
  // @ts-expect-error: the token stays in the cookie
  void session.token

  const token = await session.csrfToken()
  same<Equal<typeof token, string>>()
  same<Equal<ReturnType<typeof session.verifyCsrf>, Promise<boolean>>>()
  await session.verifyCsrf((await request.formData()).get('csrf'))
  // @ts-expect-error: the token arrives later
  void session.csrfToken().length

  lock('only to be read here')
  const { outcome, failure, cookie, cacheControl, applyTo } = await commit()
  same<Equal<typeof failure, Failure | null>>()
  // @ts-expect-error: there may be no failure
  void failure.asked
  same<Equal<Failure['asked'], Asked>>()
  same<Equal<Asked, 'sign-in' | 'renewal' | 'sign-out' | 'change'>>()
  same<Equal<ReturnType<typeof applyTo>, Response>>()
  same<Equal<typeof cacheControl, 'private, no-store' | 'private' | null>>()
  // @ts-expect-error: no outcome of that name
  void (outcome === 'ok')
  // @ts-expect-error: there may be no cookie to set
  void cookie.header
  void cookie?.header
  // @ts-expect-error: written by the library
  if (cookie) cookie.value = 'forged'
}

export async function useUntyped(request: Request): Promise<void> {
  const { session } = await untyped.open(request.headers.get('Cookie'))
  session.data['anything'] = new Date()
  same<Equal<(typeof session.data)[string], unknown>>()
  // @ts-expect-error: unknown until its type has been checked
  session.data['anything'].getTime()
  await untyped.open(null)
  await untyped.open(undefined)
  // @ts-expect-error: headers are no request
  await untyped.open(request.headers)
}

export async function handle(request: Request): Promise<Response> {
  await sessions.handle(request, () => new Response())
  await sessions.handle(request, async (session) => {
    same<Equal<typeof session, Session<Partial<Visitor>>>>()
    return Response.json(session.data)
  })
  // @ts-expect-error: a handler answers with a Response
  await sessions.handle(request, () => 'hello')
  // @ts-expect-error: a handler answers
  await sessions.handle(request, () => {})
  // @ts-expect-error: a handler answers with a Response, later too
  await sessions.handle(request, async () => ({ status: 200 }))
  // @ts-expect-error: a handler gets the session alone
  await sessions.handle(request, (_session, _more: string) => new Response())
  // @ts-expect-error: a request, not its URL
  await sessions.handle(request.url, () => new Response())
  await sessions.handle(request, () => new Response(), {
    touch: false,
    secure: true,
    onFailure: ({ asked }) =>
      asked === 'sign-in' ? new Response(null, { status: 503 }) : undefined,
  })
  await sessions.handle(request, () => new Response(), { onFailure: async () => {} })
  // @ts-expect-error: a misspelt option
  await sessions.handle(request, () => new Response(), { onfailure: () => {} })
  // @ts-expect-error: answers with a Response
  await sessions.handle(request, () => new Response(), { onFailure: () => 503 })
  same<Equal<ReturnType<typeof sessions.open>, Promise<Opened<Partial<Visitor>>>>>()
  await sessions.open('sid=abc', { touch: false, secure: true })
  // @ts-expect-error: yes or no
  await sessions.open(request, { touch: 'never' })
  // @ts-expect-error: a misspelt option
  await sessions.open(request, { touched: false })
  await sessions.destroy(request)
  await sessions.destroy('sid=abc')
  return sessions.handle(request, () => new Response())
}

export async function manage(session: Session<Visitor>, other: Session): Promise<void> {
  same<Equal<Awaited<ReturnType<typeof sessions.revoke>>, 'revoked' | 'gone' | 'unconfirmed'>>()
  await sessions.revoke('zoë', { except: (await sessions.open(null)).session })
  await sessions.revoke('zoë', { except: { ref: 'the ref' } })
  // @ts-expect-error: a session, not its ref
  await sessions.revoke('zoë', { except: 'the ref' })
  const [first] = await sessions.list('zoë')
  if (first) await sessions.end('zoë', first.ref)
  // @ts-expect-error: there may be none
  void first.ref
  // @ts-expect-error: whose?
  await sessions.list()
  // @ts-expect-error: which one?
  await sessions.end('zoë')
  // @ts-expect-error: accounts are named by text
  await sessions.revoke(42)
  other.data['anything'] = session.data.visits
}

export function look({ state, id, createdAt, renewedAt, subject, ref }: Session): void {
  same<Equal<typeof state, SessionState>>()
  same<Equal<SessionState, 'new' | 'live' | 'unavailable' | 'unproven'>>()
  same<Equal<typeof id, string | null>>()
  same<Equal<typeof createdAt, Date | null>>()
  same<Equal<typeof renewedAt, Date | null>>()
  same<Equal<typeof subject, string | null>>()
  same<Equal<typeof ref, string | null>>()
  // @ts-expect-error: no state of that name
  void (state === 'gone')
}

/** Code that is written for any session takes each one. */
export function touch(session: Session<{ visits?: number }>): void {
  session.data.visits = (session.data.visits ?? 0) + 1
}

export async function touchAll(request: Request): Promise<void> {
  touch((await sessions.open(request)).session)
  const text = createSessions<{ visits: string }>({ store })
  // @ts-expect-error: counts in text
  touch((await text.open(request)).session)
}

/** The type of an app's session, for props and helpers. */
type AppSession = SessionOf<typeof sessions>

export function greet({ data, subject }: AppSession): string {
  same<Equal<AppSession, Session<Partial<Visitor>>>>()
  same<Equal<SessionOf<typeof untyped>, Session<Partial<Record<string, unknown>>>>>()
  // @ts-expect-error: a misspelt key
  void data.visists
  return `${data.name ?? subject ?? 'stranger'}`
}

// @ts-expect-error: gives no sessions
export type NoSession = SessionOf<typeof store>

export async function adapt(request: Request): Promise<Response> {
  const lazy = sessions.lazy(request, {
    touch: false,
    onFailure: () => new Response(),
    readOnly: 'change the session in an action',
    hints: { late: 'ask earlier', noSession: 'sign in first' },
  })
  same<Equal<typeof lazy, LazySession<Partial<Visitor>>>>()
  same<Equal<ReturnType<typeof lazy.get>, Promise<Session<Partial<Visitor>>>>>()
  same<Equal<ReturnType<typeof lazy.commit>, Promise<Committed>>>()
  same<Equal<ReturnType<typeof lazy.end>, Promise<Committed | null>>>()
  same<Equal<ReturnType<typeof lazy.discard>, void>>()
  same<Equal<ReturnType<typeof lazy.saveLate>, Promise<Outcome | null>>>()
  await lazy.saveLate((data) => {
    data.visits = (data.visits ?? 0) + 1
    // @ts-expect-error: a misspelt key
    data.visit = 1
  })
  const committed = await lazy.end()
  // @ts-expect-error: null if the session was never asked for
  void committed.outcome
  // @ts-expect-error: found out, not set
  lazy.ended = true
  // @ts-expect-error: a misspelt hint
  sessions.lazy(request, { hints: { tooLate: 'ask earlier' } })
  // @ts-expect-error: a text that says where to write
  sessions.lazy(request, { readOnly: true })
  // @ts-expect-error: answers with a Response
  await lazy.around(() => 'hello')
  await lazy.answer(new Response())
  return lazy.around(async () => new Response())
}

export function statusOf(error: unknown): number {
  if (!(error instanceof SessionError)) return 500
  same<Equal<typeof error.status, SessionErrorStatus>>()
  same<Equal<SessionErrorStatus, 400 | 403 | 409 | 413 | 500 | 503>>()
  // @ts-expect-error: given by the code
  error.status = 200
  return error.status
}
