/** What an app may and may not do with a session. Compiled by `types.test.ts`, never run. */
import { createSessions } from '@coatcheck/core'
import type { Session, SessionState } from '@coatcheck/core'
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

  // Nothing of a session can be replaced, but whose it is and what it is called.
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
  session.subject = 'zoë'
  session.subject = null
  session.label = 'Firefox'
  // @ts-expect-error: accounts are named by text
  session.subject = 42

  // Asked for at once, done at commit: nothing to await.
  same<Equal<ReturnType<typeof session.renew>, void>>()
  session.renew({ reauthenticated: true })
  session.requireFresh(60)
  // @ts-expect-error: a misspelt option
  session.renew({ reauthenticate: true })
  // @ts-expect-error: how many seconds?
  session.requireFresh()
  // @ts-expect-error: takes no options
  session.destroy({ everywhere: true })
  // @ts-expect-error: there is no save: a commit does it
  session.save()
  // @ts-expect-error: the token is nobody's affair
  void session.token

  lock('only to be read here')
  const { outcome, cookie, cacheControl, applyTo } = await commit()
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
  // @ts-expect-error: unknown until somebody has looked
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
  await sessions.destroy(request)
  await sessions.destroy('sid=abc')
  return sessions.handle(request, () => new Response())
}

export async function manage(session: Session<Visitor>, other: Session): Promise<void> {
  same<Equal<Awaited<ReturnType<typeof sessions.revoke>>, 'revoked' | 'gone' | 'unconfirmed'>>()
  await sessions.revoke('zoë', { except: (await sessions.open(null)).session })
  const [first] = await sessions.list('zoë')
  if (first) await sessions.end('zoë', first.handle)
  // @ts-expect-error: there may be none
  void first.handle
  // @ts-expect-error: whose?
  await sessions.list()
  // @ts-expect-error: which one?
  await sessions.end('zoë')
  // @ts-expect-error: accounts are named by text
  await sessions.revoke(42)
  other.data['anything'] = session.data.visits
}

export function look({ state, id, createdAt, renewedAt, subject, label }: Session): void {
  same<Equal<typeof state, SessionState>>()
  same<Equal<SessionState, 'new' | 'live' | 'unavailable'>>()
  same<Equal<typeof id, string | null>>()
  same<Equal<typeof createdAt, Date | null>>()
  same<Equal<typeof renewedAt, Date | null>>()
  same<Equal<typeof subject, string | null>>()
  same<Equal<typeof label, string | null>>()
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
