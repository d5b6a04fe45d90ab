/** The session data of the application: a counter that is read and changed, and other data. */
export interface Data {
  n: number
  user?: string
  items: Item[]
}

export interface Item {
  readonly sku: string
  readonly title: string
  readonly price: number
}

/** Data of about `size` bytes of JSON, at least 200. */
export function makeData(size: number): Data {
  const items: Item[] = []
  for (let left = size - 40; left > 0; left -= 80) {
    const sku = String(items.length).padStart(8, '0')
    items.push({ sku, title: 'A coat of the finest wool, grey', price: 129.5 })
  }
  return { n: 0, user: `visitor-${visitors++}`, items }
}

let visitors = 0

/** The number of keys that `add` has created: `k0`, `k1`, … */
export function countAdded(data: object): number {
  return Object.keys(data).filter((key) => /^k\d+$/.test(key)).length
}

export const secret = 'a secret of the bench that has more than 32 characters'
