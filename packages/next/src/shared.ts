import { AsyncLocalStorage } from 'node:async_hooks'
import { SessionError } from '@coatcheck/core'
import { createAtStart, reportChange } from './at-start.ts'
import { Handovers } from './handovers.ts'
import type { AnySessions, Lazy, RequestHeaders, RequestSession } from './request-session.ts'
import { isPrefetch } from './request-session.ts'

/** What all copies of this module share: Next.js bundles the proxy and each router with a copy. */
export class Shared {
  /** The request header that names a handover from the proxy. */
  readonly header: string
  readonly handovers: Handovers
  /** By the request's headers, which are one object for the whole request. */
  readonly requests: WeakMap<object, RequestSession> = new WeakMap()
  /** By session, for `saveLate`. */
  readonly lazies: WeakMap<object, Lazy> = new WeakMap()
  /** The session that the running handler may change. */
  readonly current: AsyncLocalStorage<Lazy> = new AsyncLocalStorage()
  /** Those whose handler called `commit()`, and so reports a failure itself. */
  readonly known: WeakSet<Lazy> = new WeakSet()
  /** The texts of the functions that were passed to create them, under `next dev`. */
  readonly seen: Set<string> = new Set()
  /** Creates them once, and not in a build, which so needs no secrets and no store. */
  readonly sessions: () => AnySessions

  constructor(name: string, create: () => AnySessions) {
    let sessions: AnySessions | null = null
    this.sessions = () => (sessions ??= create())
    this.handovers = new Handovers(this.sessions)
    this.header = `x-coatcheck-${name}`
  }

  /** The session of a request: what the proxy left, or one that is loaded when it is first asked for. */
  take(headers: RequestHeaders): RequestSession {
    const { [this.header]: name = null, cookie = null } = headers
    return this.handovers.take(name && String(name), cookie && String(cookie), !isPrefetch(headers))
  }
}

const key: unique symbol = Symbol.for('@coatcheck/next')

export function shareByName(name: string, create: () => AnySessions): Shared {
  const what = 'name must be 1 to 32 characters of a-z, 0-9 and -'
  const isValid = /^[a-z0-9-]{1,32}$/.test(name)
  if (!isValid) throw new SessionError('invalid-option', `createNextSessions: ${what}`)
  const all = ((globalThis as { [key]?: Map<string, Shared> })[key] ??= new Map())
  const shared = all.get(name) ?? new Shared(name, create)
  if (!all.has(name)) createAtStart(shared.sessions)
  all.set(name, shared)
  reportChange(shared.seen, create)
  return shared
}
