import { AsyncLocalStorage } from 'node:async_hooks'
import { SessionError } from '@coatcheck/core'
import type { AnySessions, Lazy } from './request-session.ts'
import { RequestSession } from './request-session.ts'

/** What all copies of this module share: Next.js bundles the proxy and each router with a copy. */
export class Shared {
  /** The request header that names a handover from the proxy. */
  readonly header: string
  readonly handovers: Map<string, RequestSession> = new Map()
  /** By the request's headers, which are one object for the whole request. */
  readonly requests: WeakMap<object, RequestSession> = new WeakMap()
  /** By session, for `saveLate`. */
  readonly lazies: WeakMap<object, Lazy> = new WeakMap()
  /** The session that the running handler may change. */
  readonly current: AsyncLocalStorage<Lazy> = new AsyncLocalStorage()
  /** Those whose handler called `commit()`, and so reports a failure itself. */
  readonly known: WeakSet<Lazy> = new WeakSet()
  /** Creates them once, for the first request, so that a build needs no secrets and no store. */
  readonly sessions: () => AnySessions

  constructor(name: string, create: () => AnySessions) {
    let sessions: AnySessions | null = null
    this.sessions = () => (sessions ??= create())
    this.header = `x-coatcheck-${name}`
  }

  /** Leaves a session for the code behind the proxy, for ten seconds, and returns the name to ask for it by. */
  leave(session: RequestSession): string {
    const name = crypto.randomUUID()
    this.handovers.set(name, session)
    setTimeout(() => this.handovers.delete(name), 10_000).unref()
    return name
  }

  /** What the proxy left for these cookies, once. An unknown name may come from outside, or another process. */
  take(name: string, cookies: string | null): RequestSession {
    const found = this.handovers.get(name)
    if (found?.cookies !== cookies) return new RequestSession(this.sessions, cookies)
    this.handovers.delete(name)
    return found
  }
}

const key: unique symbol = Symbol.for('@coatcheck/next')

export function shareByName(name: string, create: () => AnySessions): Shared {
  const what = 'name must be 1 to 32 characters of a-z, 0-9 and -'
  const isValid = /^[a-z0-9-]{1,32}$/.test(name)
  if (!isValid) throw new SessionError('invalid-option', `createNextSessions: ${what}`)
  const all = ((globalThis as { [key]?: Map<string, Shared> })[key] ??= new Map())
  const shared = all.get(name) ?? new Shared(name, create)
  all.set(name, shared)
  return shared
}
