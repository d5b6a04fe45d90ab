import type { AnyResolver, Session, Sessions, SessionStore } from '@coatcheck/core'
import { byKeyWith, createSessions, sum } from '@coatcheck/core'

/** The API takes any value under any key, so nothing more is known of the data. */
export type VisitorData = Record<string, unknown>
export type VisitorSession = Session<Partial<VisitorData>>
export type Visitors = Sessions<Partial<VisitorData>>

export interface VisitorOptions {
  /** Where the sessions are kept. */
  readonly store: SessionStore
  /** What the records are sealed with, newest first. */
  readonly secrets?: readonly string[] | 'none'
  /** Adds the outcome of the commit to each response, in the header `Server-Timing`. */
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
