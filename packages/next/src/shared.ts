import { AsyncLocalStorage } from 'node:async_hooks'
import { SessionError } from '@coatcheck/core'
import { Handovers } from './handovers.ts'
import type { AnySessions, Lazy, RequestSession } from './request-session.ts'

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
  /** Creates them once, for the first request, so that a build needs no secrets and no store. */
  readonly sessions: () => AnySessions

  constructor(name: string, create: () => AnySessions) {
    let sessions: AnySessions | null = null
    this.sessions = () => (sessions ??= create())
    this.handovers = new Handovers(this.sessions)
    this.header = `x-coatcheck-${name}`
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
