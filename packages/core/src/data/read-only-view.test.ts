import { runInThisContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { SessionError } from '../errors.ts'
import type { Refuse } from './lazy-object.ts'
import { createView } from './read-only-view.ts'

const make = () => ({
  user: { id: 42, roles: ['admin'] },
  list: ['a', { b: 1 }] as unknown[],
  since: new Date(5),
  carts: new Map<string, { count: number }>([['tea', { count: 1 }]]),
  seen: new Set<unknown>(['x', { y: 1 }]),
  photo: Uint8Array.of(3, 1, 2),
  nothing: undefined,
  none: null,
  empty: [] as unknown[],
  bare: Object.assign(Object.create(null) as object, { a: 1 }),
})

type Visitor = ReturnType<typeof make>

const refuse: Refuse = (what) => {
  throw new SessionError('read-only', `${what} is not saved here`)
}

/** Every way to change what is in there, as source: so that the same is run in strict code and in sloppy code. */
const changes: readonly (readonly [source: string, what: string])[] = [
  ['data.flash = 1', 'Assigning session.data.flash'],
  ['data.user = 1', 'Assigning session.data.user'],
  ['data.nothing = 1', 'Assigning session.data.nothing'],
  ['data["a b"] = 1', 'Assigning session.data["a b"]'],
  ['data["1st"] = 1', 'Assigning session.data["1st"]'],
  ['data.v2 = 1', 'Assigning session.data.v2'],
  ['data[Symbol.iterator] = 1', 'Assigning session.data["Symbol(Symbol.iterator)"]'],
  ['delete data.user', 'Deleting session.data.user'],
  ['delete data.absent', 'Deleting session.data.absent'],
  ['Object.defineProperty(data, "flash", { value: 1 })', 'Defining session.data.flash'],
  ['Object.defineProperty(data, "flash", {})', 'Defining session.data.flash'],
  ['Object.defineProperty(data, "user", { get: () => 1 })', 'Defining session.data.user'],
  ['Object.defineProperty(data, "user", { set() {} })', 'Defining session.data.user'],
  ['Reflect.defineProperty(data, "user", { value: 1 })', 'Defining session.data.user'],
  ['Reflect.set(data, "user", 1)', 'Assigning session.data.user'],
  ['Reflect.deleteProperty(data, "user")', 'Deleting session.data.user'],
  ['Object.assign(data, { user: 1 })', 'Assigning session.data.user'],
  ['Object.setPrototypeOf(data, {})', 'Changing the prototype of session.data'],
  ['data.__proto__ = {}', 'Assigning session.data.__proto__'],
  ['data.user.id++', 'Assigning session.data.user.id'],
  ['data.user.name = "x"', 'Assigning session.data.user.name'],
  ['delete data.user.id', 'Deleting session.data.user.id'],
  ['data.user.roles.push("root")', 'Assigning session.data.user.roles[1]'],
  ['data.user.roles[0] = "root"', 'Assigning session.data.user.roles[0]'],
  ['data.list.pop()', 'Deleting session.data.list[1]'],
  ['data.list.shift()', 'Assigning session.data.list[0]'],
  ['data.list.unshift(1)', 'Assigning session.data.list[2]'],
  ['data.list.splice(0, 1)', 'Assigning session.data.list[0]'],
  ['data.list.sort()', 'Assigning session.data.list[0]'],
  ['data.list.reverse()', 'Assigning session.data.list[0]'],
  ['data.list.fill(0)', 'Assigning session.data.list[0]'],
  ['data.list.length = 0', 'Assigning session.data.list.length'],
  ['data.list[10] = 1', 'Assigning session.data.list[10]'],
  ['data.bare.a = 2', 'Assigning session.data.bare.a'],
  ['data.list[1].b = 2', 'Assigning session.data.list[1].b'],
  ['data.since.setTime(0)', 'session.data.since.setTime()'],
  ['data.since.setFullYear(1970)', 'session.data.since.setFullYear()'],
  ['data.carts.set("milk", {})', 'session.data.carts.set()'],
  ['data.carts.delete("tea")', 'session.data.carts.delete()'],
  ['data.carts.clear()', 'session.data.carts.clear()'],
  ['data.carts.get("tea").count++', 'Assigning session.data.carts.count'],
  ['for (const cart of data.carts.values()) cart.count = 0', 'Assigning session.data.carts.count'],
  ['data.seen.add(1)', 'session.data.seen.add()'],
  ['data.seen.delete("x")', 'session.data.seen.delete()'],
  ['data.seen.clear()', 'session.data.seen.clear()'],
  ['for (const item of data.seen) if (item.y) item.y = 2', 'Assigning session.data.seen.y'],
  ['data.photo.fill(0)', 'session.data.photo.fill()'],
  ['data.photo.sort()', 'session.data.photo.sort()'],
  ['Object.values(data)[0].id = 1', 'Assigning session.data.user.id'],
  ['({ ...data }).user.id = 1', 'Assigning session.data.user.id'],
  ['Object.getOwnPropertyDescriptor(data, "user").get().id = 1', 'Assigning session.data.user.id'],
  ['Object.create(data).user = 1', 'Assigning session.data.user'],
]

describe('a view of session data', () => {
  for (const mode of ['strict', 'sloppy']) {
    const directive = mode === 'strict' ? "'use strict'; " : ''
    it.each(changes)(`F8: refuses in ${mode} code: %s`, (source, what) => {
      const change = runInThisContext(`(data) => { ${directive}${source} }`) as (
        data: object,
      ) => void
      const data = make()
      const view = createView(data, refuse)
      expect(() => change(view)).toThrow(new SessionError('read-only', `${what} is not saved here`))
      expect(data).toEqual(make())
      expect(view).toEqual(make())
    })
  }

  it('F8: reads as the data do', () => {
    const view = createView(make(), refuse) as Visitor
    expect(view).toEqual(make())
    expect(view).toStrictEqual(make())
    expect({ ...view }).toEqual(make())
    expect(Object.keys(view)).toEqual(Object.keys(make()))
    expect(JSON.stringify(view)).toBe(JSON.stringify(make()))
    expect('user' in view && !('absent' in view)).toBe(true)
    expect(Array.isArray(view.list)).toBe(true)
    expect(view.list.map((item) => typeof item)).toEqual(['string', 'object'])
    expect([...view.list, ...view.user.roles.concat(['b'])]).toHaveLength(4)
    expect(view.since.getTime()).toBe(5)
    expect(view.carts.get('tea')).toEqual({ count: 1 })
    expect(view.seen.has('x') && view.seen.size === 2).toBe(true)
    expect([...view.photo]).toEqual([3, 1, 2])
    expect(view.user).toBe(view.user)
    for (const value of [view, view.user, view.since, view.carts, view.seen, view.list]) {
      const original = Object.getPrototypeOf(value) as { constructor: unknown }
      expect([Object, Date, Map, Set, Array]).toContain(original.constructor)
    }
    expect(structuredClone([view.since, view.photo, new Set(view.user.roles)])).toHaveLength(3)
  })

  it('F8: leaves the data to code that may change them', () => {
    const data = make()
    const view = createView(data, refuse) as Visitor
    view.photo[0] = 9
    expect([...data.photo]).toEqual([3, 1, 2])
    expect([view.since, view.carts, view.seen]).toEqual([data.since, data.carts, data.seen])
    data.photo.fill(0)
    data.since.setTime(0)
    data.carts.clear()
    data.seen.clear()
    expect(view).toMatchObject({ ...make(), photo: Uint8Array.of(9, 1, 2) })
  })

  it('F8: gives the keys of a copy as those of a plain object, which can be changed', () => {
    const view = createView(make(), refuse) as Visitor
    const copyOf = (object: object): Record<string, unknown> =>
      Object.defineProperties({}, Object.getOwnPropertyDescriptors(object))
    const user = copyOf(view.user)
    user['id'] = 1
    delete user['roles']
    expect(user).toEqual({ id: 1 })
    const whole = copyOf(view)
    delete whole['user']
    expect('user' in whole).toBe(false)
    expect(view).toEqual(make())
  })

  it('F8: reads no key before it is asked for', () => {
    let reads = 0
    const data = {
      get read() {
        return reads++
      },
      get unread(): never {
        throw new Error('read')
      },
    }
    const view = createView(data, refuse) as typeof data
    expect([view.read, view.read, reads]).toEqual([0, 0, 1])
  })

  it('F8: shows one object that is there twice as one, also in a cycle', () => {
    const shared = { n: 1 }
    const cycle: { self?: unknown; a: unknown; b: unknown } = { a: shared, b: [shared] }
    cycle.self = cycle
    const { a, b, self } = (createView({ cycle }, refuse) as { cycle: typeof cycle }).cycle
    expect((b as unknown[])[0]).toBe(a)
    expect((self as typeof cycle).self).toBe(self)
  })

  it('F8: passes on what is no data, such as an instance of a class', () => {
    class Cart {
      count = 1
    }
    const cart = new Cart()
    expect((createView({ cart }, refuse) as { cart: Cart }).cart).toBe(cart)
  })

  it.each(['freeze', 'seal', 'preventExtensions'] as const)(
    'F8: lets code call Object.%s',
    (way) => {
      const view = createView(make(), refuse) as Visitor
      const { freeze, seal, preventExtensions } = Object
      const call = { freeze, seal, preventExtensions }[way] as (value: object) => void
      expect(() => [view, view.user, view.list].forEach(call)).not.toThrow()
      expect(view).toEqual(make())
      expect(() => void (view.user.id = 1)).toThrow(SessionError)
    },
  )
})
