import { describe, expect, it } from 'vitest'
import { committedReport, currentReport, publishedFolders } from '../src/api/packages.ts'
import { reportOf } from '../src/api/report.ts'
import type { Manifest } from '../src/api/report.ts'

describe('the public surface', () => {
  it.each(publishedFolders())('of %s is the one that was agreed to', (folder) => {
    const hint = 'Is the change meant? Then run npm run api, and commit the report with it.'
    expect(currentReport(folder), hint).toBe(committedReport(folder))
  })

  it('is known of every published package', () => {
    expect(publishedFolders().length).toBeGreaterThanOrEqual(10)
  })
})

const manifest: Manifest = {
  name: 'shop',
  exports: { '.': './src/index.ts', './edge': { worker: './src/edge.ts', types: './x.json' } },
  engines: { node: '>=22' },
  peerDependencies: { hono: '^4' },
  peerDependenciesMeta: { hono: { optional: true } },
}

const sources: Readonly<Record<string, string>> = {
  'shop/src/index.ts': `
    export { createCart } from './cart.ts'
    export type { Cart as Basket } from './cart.ts'
    export * from './more.ts'
    export type { Hono } from 'hono'`,
  'shop/src/more.ts': `export const limit: number = 3`,
  'shop/src/edge.ts': `export {}`,
  'shop/src/cart.ts': `
    import type { Price } from './price.ts'
    import type { Context } from 'hono'
    interface Hidden { readonly price: Price }
    /** A cart. */
    export interface Cart extends Hidden { readonly of: Context }
    export function createCart(size: number): Cart { return { size } as never }
    export const unseen: number = 1`,
  'shop/src/price.ts': `
    export type Price = readonly [amount: number, currency: Currency]
    type Currency = 'EUR'
    type Other = 1`,
}

function report(
  changes: Readonly<Record<string, string>> = {},
  own: Partial<Manifest> = {},
): string {
  const all = { ...sources, ...changes }
  return reportOf({ ...manifest, ...own }, 'shop', (path) => all[path])
}

describe('a report', () => {
  it('has the entries, what they reach, and what is asked of the application', () => {
    const text = report()
    const [head = '', declared = ''] = text.split('## Declarations')
    expect(head).toBe(
      '# shop\n\nneeds node >=22\nmay use hono ^4\n\n## .\n\nBasket = Cart\nHono = Hono of hono\ncreateCart\nlimit\n\n## ./edge (worker)\n\n',
    )
    const names = [...declared.matchAll(/^\/\/ (\w+)$/gm)].map(([, name]) => name)
    expect(names).toEqual(['Cart', 'Currency', 'Hidden', 'Price', 'createCart', 'limit'])
    expect(declared).toContain('export declare function createCart(size: number): Cart;')
    expect(declared).not.toMatch(/unseen|Other|A cart/)
  })

  const cart = sources['shop/src/cart.ts'] as string
  const index = sources['shop/src/index.ts'] as string

  it.each<[string, Readonly<Record<string, string>>, Partial<Manifest>?]>([
    ['a parameter', { 'shop/src/cart.ts': cart.replace('size: number', 'size?: number') }],
    ['a type that is reached', { 'shop/src/price.ts': "export type Price = 'EUR'" }],
    ['an export that is gone', { 'shop/src/index.ts': index.replace('* from', 'type {} from') }],
    [
      'an export that is new',
      { 'shop/src/more.ts': 'export const limit: number = 3\nexport const more: number = 4' },
    ],
    ['an entry that is gone', {}, { exports: { '.': './src/index.ts' } }],
    ['a newer Node', {}, { engines: { node: '>=24' } }],
    ['a peer', {}, { peerDependencies: { hono: '^5' } }],
    ['a command', {}, { bin: { shop: './main.js' } }],
  ])('shows %s', (_, changes, own) => {
    expect(report(changes, own)).not.toBe(report())
  })

  it.each<[string, Readonly<Record<string, string>>]>([
    ['a comment', { 'shop/src/cart.ts': cart.replace('A cart.', 'A basket.') }],
    ['the body of a function', { 'shop/src/cart.ts': cart.replace('{ size } as', '{} as') }],
    [
      'what is not reached',
      { 'shop/src/cart.ts': cart.replace('unseen: number', 'unseen: string') },
    ],
    [
      'a file that has moved',
      {
        'shop/src/cart.ts': cart.replace('./price.ts', './money.ts'),
        'shop/src/money.ts': sources['shop/src/price.ts'] as string,
      },
    ],
  ])('does not show %s', (_, changes) => {
    expect(report(changes)).toBe(report())
  })

  it('fails on an export that does not exist', () => {
    const broken = { 'shop/src/index.ts': "export { nothing } from './cart.ts'" }
    expect(() => report(broken)).toThrow('shop/src/cart.ts does not export nothing')
  })
})
