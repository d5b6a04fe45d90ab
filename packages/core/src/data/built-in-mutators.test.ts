import { describe, expect, it } from 'vitest'
import { hasMutators, refuseMethods } from './built-in-mutators.ts'
import type { Refuse } from './lazy-object.ts'

const refuse: Refuse = (what) => {
  throw new Error(`${what} is refused`)
}

function refused<value extends object>(value: value): value {
  refuseMethods(value, () => 'it', refuse)
  return value
}

const values: readonly (readonly [name: string, make: () => object, change: string])[] = [
  ['Map', () => new Map([['a', 1]]), 'set'],
  ['Set', () => new Set(['a']), 'add'],
  ['Date', () => new Date(5), 'setTime'],
  ['Uint8Array', () => Uint8Array.of(2, 1), 'sort'],
]

describe.each(values)('a refused %s', (_name, make, change) => {
  const call = (value: object): unknown => (value as Record<string, () => unknown>)[change]!()

  it('has the methods of this engine, and no others', () => {
    const value = refused(make())
    expect(hasMutators(value)).toBe(true)
    const own = Object.getOwnPropertyNames(value).filter((name) => Number.isNaN(Number(name)))
    expect(own).toContain(change)
    expect(own.filter((name) => !(name in make()))).toEqual([])
  })

  it('says why also through a Proxy that binds its methods, as those of libraries do', () => {
    const bound = new Proxy(refused(make()), {
      get: (target, name) => (Reflect.get(target, name) as () => unknown).bind(target),
    })
    expect(() => call(bound)).toThrow(`it.${change}() is refused`)
  })

  it('is left as it is where the app has frozen it', () => {
    const value = make()
    if (value instanceof Uint8Array) Object.preventExtensions(value)
    else Object.freeze(value)
    expect(() => refused(value)).not.toThrow()
  })
})
