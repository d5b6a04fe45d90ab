import type { Session } from '@coatcheck/core'

type Data = Session['data']

/** The data that the page shows. */
export interface Visitor {
  readonly user: string | null
  readonly visits: number
  readonly cart: Readonly<Record<string, number>>
}

export function visitorOf({ user, visits, cart }: Data): Visitor {
  return {
    user: typeof user === 'string' ? user : null,
    visits: typeof visits === 'number' ? visits : 0,
    cart: isCart(cart) ? cart : {},
  }
}

/** Adds one to a key. False, without a change, if its value is not a number. */
export function increment(data: Data, key: string): boolean {
  const value = Object.hasOwn(data, key) ? data[key] : 0
  if (typeof value !== 'number') return false
  data[key] = value + 1
  return true
}

export function addToCart(data: Data, item: string): void {
  const cart = isCart(data['cart']) ? data['cart'] : {}
  data['cart'] = { ...cart, [item]: (Object.hasOwn(cart, item) ? (cart[item] ?? 0) : 0) + 1 }
}

function isCart(value: unknown): value is Record<string, number> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((count) => typeof count === 'number')
}

/** Made of the session's id, so a sign-in changes it; `null` while nothing is stored. */
export function ticketNumber(id: string | null): string | null {
  if (id === null) return null
  let number = 0
  for (const character of id) number = (number * 31 + character.charCodeAt(0)) % 10_000
  return String(number).padStart(4, '0')
}
