import type {
  AnyResolver,
  Outcome,
  Session,
  Sessions,
  SessionState,
  SessionStore,
} from '@coatcheck/core'
import { byKeyWith, createSessions, sum } from '@coatcheck/core'

/** The API lets everybody put anything under any key, so nothing more is known of it. */
export type VisitorData = Record<string, unknown>
export type VisitorSession = Session<Partial<VisitorData>>
export type Visitors = Sessions<Partial<VisitorData>>

export interface VisitorOptions {
  /** Where the sessions are kept. */
  readonly store: SessionStore
  /** What the records are sealed with, newest first. */
  readonly secrets?: readonly string[] | 'none'
  /** Says with every answer what became of the session, in the header `Server-Timing`. */
  readonly explain: boolean
  /** Cookies that work without https, for development. */
  readonly plainHttp: boolean
}

export function createVisitors({ plainHttp, ...options }: VisitorOptions): Visitors {
  return createSessions<VisitorData>({ ...options, cookie: { plainHttp }, merge: resolverOf })
}

/** Counters add up, the cart adds up item by item, and of anything else the later save wins. */
function resolverOf(key: string): AnyResolver | undefined {
  if (key === 'cart') return mergeCarts
  return key === 'visits' || key.startsWith('n_') ? sum : undefined
}

const mergeCarts = byKeyWith(sum)

/**
 * Answers a request that changes its session, by the halves of `handle`: where the change could not be
 * saved, `failure` answers instead. That a session was `gone` is no failure: whoever ended it was first.
 */
export async function change(
  visitors: Visitors,
  request: Request,
  handler: (session: VisitorSession) => Response | Promise<Response>,
  failure: () => Response,
): Promise<Response> {
  const { session, commit } = await visitors.open(request)
  const response = await handler(session)
  const { outcome, applyTo } = await commit()
  return applyTo(hasFailed(session.state, outcome) ? failure() : response)
}

function hasFailed(state: SessionState, outcome: Outcome): boolean {
  if (state === 'unavailable') return outcome !== 'destroyed'
  return outcome === 'conflict' || outcome === 'unavailable' || outcome === 'unconfirmed'
}

/** What the page shows of a session. */
export interface Visitor {
  readonly user: string | null
  readonly visits: number
  readonly cart: ReadonlyMap<string, number>
}

export function visitorOf({ data }: VisitorSession): Visitor {
  const { user, visits, cart } = data
  return {
    user: typeof user === 'string' ? user : null,
    visits: typeof visits === 'number' ? visits : 0,
    cart: new Map(isCart(cart) ? Object.entries(cart) : []),
  }
}

/** Adds one to a key. False, and nothing done, when it holds something else than a number. */
export function increment(data: Partial<VisitorData>, key: string): boolean {
  const value = Object.hasOwn(data, key) ? data[key] : 0
  if (typeof value !== 'number') return false
  data[key] = value + 1
  return true
}

export function addToCart(data: Partial<VisitorData>, item: string): void {
  const cart = isCart(data.cart) ? data.cart : {}
  data.cart = { ...cart, [item]: (Object.hasOwn(cart, item) ? (cart[item] ?? 0) : 0) + 1 }
}

function isCart(value: unknown): value is Record<string, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((count) => typeof count === 'number')
}
