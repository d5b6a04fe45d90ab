import { runInThisContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Block, Blocks } from '../rules/diff-and-merge.ts'
import { diff } from '../rules/diff-and-merge.ts'
import { adoptData, createData } from './lazy-object.ts'
import type { Data, Refuse } from './lazy-object.ts'
import { SessionError } from '../errors.ts'
import { decodeValue, encodeValue } from './value.ts'

type Plain = Record<string, unknown>

const isEnumerable = Object.prototype.propertyIsEnumerable

const visitor = {
  user: { id: 42, roles: ['admin'] },
  tags: ['a', 'b'],
  since: new Date(5),
  carts: new Map([['tea', { count: 1 }]]),
  photo: Uint8Array.of(1, 2, 3),
  nothing: undefined,
}

function blocksOf(values: object): Map<string, Block> {
  return new Map(Object.entries(values).map(([key, value]) => [key, encodeValue(key, value)]))
}

function valuesOf(blocks: Blocks): Plain {
  return Object.fromEntries([...blocks].map(([key, block]) => [key, decodeValue(key, block)]))
}

function open(values: object): { data: Data; object: Plain; base: Map<string, Block> } {
  const base = blocksOf(values)
  const data = createData(base)
  return { data, object: data.object as Plain, base }
}

/** The keys whose blocks are not what they were. */
function changed(data: Data, base: Blocks): { set: string[]; deleted: string[] } {
  const changes = diff(base, data.blocks())
  return { set: [...changes.set.keys()], deleted: [...changes.deleted] }
}

const refuse: Refuse = (what) => {
  throw new SessionError('committed', `${what} after the session was saved has no effect`)
}

/** Throws when it is decoded. */
const damaged = Uint8Array.of(0xc1)

describe('session.data', () => {
  it('behaves as a plain object, wherever one is looked into', () => {
    const plain: Plain = structuredClone(visitor)
    const views: [string, (object: Plain) => unknown][] = [
      ['Object.keys', (object) => Object.keys(object)],
      ['Object.values', (object) => Object.values(object)],
      ['Object.entries', (object) => Object.entries(object)],
      ['Object.getOwnPropertyNames', (object) => Object.getOwnPropertyNames(object)],
      ['Reflect.ownKeys', (object) => Reflect.ownKeys(object)],
      ['spread', (object) => ({ ...object, more: 1 })],
      ['rest', ({ user: _user, ...rest }) => rest],
      ['destructuring', ({ user, absent = 'default' }) => [user, absent]],
      ['Object.assign', (object) => Object.assign({}, object)],
      ['Object.fromEntries', (object) => Object.fromEntries(Object.entries(object))],
      ['JSON.stringify', (object) => JSON.stringify({ in: object }, null, 2)],
      ['structuredClone', (object) => structuredClone(object)],
      ['in', (object) => ['user' in object, 'nothing' in object, 'absent' in object]],
      ['hasOwn', (object) => [Object.hasOwn(object, 'nothing'), Object.hasOwn(object, 'toString')]],
      ['hasOwnProperty', (object) => Object.prototype.hasOwnProperty.call(object, 'user')],
      ['propertyIsEnumerable', (object) => isEnumerable.call(object, 'tags')],
      [
        'for in',
        (object) => {
          const keys = []
          for (const key in object) keys.push(key)
          return keys
        },
      ],
      ['inherited methods', (object) => [object['toString'] === {}.toString]],
      ['optional chaining', (object) => [(object['absent'] as Plain | undefined)?.['x']]],
      ['what inherits from it', (object) => (Object.create(object) as Plain)['user']],
      ['a Proxy of it', (object) => ({ ...new Proxy(object, {}) })],
      [
        'isExtensible, isFrozen, isSealed',
        (object) => {
          return [Object.isExtensible(object), Object.isFrozen(object), Object.isSealed(object)]
        },
      ],
    ]
    for (const [name, look] of views) {
      expect({ [name]: look(open(visitor).object) }).toStrictEqual({ [name]: look(plain) })
    }
    expect(open(visitor).object).toEqual(plain)
    expect(open(visitor).object).toStrictEqual(plain)
  })

  it('is plain to React and to devalue, before it is read, after, and once closed', () => {
    const { data, object } = open(visitor)
    expect(isSimpleForReact(object)).toBe(true)
    expect(isPlainForDevalue(object)).toBe(true)
    expect(object['user']).toEqual(visitor.user)
    expect(isSimpleForReact(object)).toBe(true)
    data.close(refuse)
    expect(isSimpleForReact(object)).toBe(true)
    expect(isPlainForDevalue(object)).toBe(true)
    expect(structuredClone(object)).toEqual(visitor)
    expect(JSON.stringify(object)).toBe(JSON.stringify(visitor))
  })

  it('S30: has own keys alone, whatever they are called', () => {
    const names = { constructor: 1, toString: 2, hasOwnProperty: 3, '': 4, 7: 5 } as never as Plain
    const { data, object } = open(names)
    expect(object).toEqual(names)
    expect(object['hasOwnProperty']).toBe(3)
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype)
    expect(valuesOf(data.blocks())).toEqual(names)
  })

  it('becomes what a plain object would, whatever is done to it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
        const { data, object } = open(start)
        const plain = structuredClone(start) as Plain
        for (const { act, key, value } of steps) {
          expect(outcomeOf(act, object, key, value)).toEqual(outcomeOf(act, plain, key, value))
        }
        const blocks = data.blocks()
        expect(Object.keys(object)).toEqual(Object.keys(plain))
        expect([...blocks.keys()]).toEqual(Object.keys(plain))
        expect(valuesOf(blocks)).toEqual(plain)
        expect(object).toStrictEqual(plain)
      }),
      { numRuns: 1000 },
    )
  })

  it('changes exactly the keys whose bytes differ', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const { data, object, base } = open(start)
        for (const { act, key, value } of steps) outcomeOf(act, object, key, value)
        const expected = diff(base, blocksOf(object))
        expect(diff(base, data.blocks())).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })
})

const start = { a: [1], b: { x: 1 }, c: 'text', d: 0 }
const step = fc.record({
  act: fc.constantFrom<Act>(
    (object, key) => object[key],
    (object, key, value) => (object[key] = value),
    (object, key, value) => Object.assign(object, { [key]: value }),
    (object, key) => delete object[key],
    (object, key) => key in object,
    (object, key, value) => (object[key] ??= value),
    (object, key) => (object[key] as unknown[]).push(9),
    (object, key) => {
      if (Array.isArray(object[key])) object[key].pop()
      else (object[key] as Plain)['x'] = 'nested'
    },
    (object, key) => ++(object as Record<string, number>)[key]!,
    (object, key, value) => {
      const open = { writable: true, enumerable: true, configurable: true }
      Object.defineProperty(object, key, { value, ...open })
    },
    (object, key) => ({ ...object })[key],
    (object, key) => JSON.stringify(object)?.includes(key),
    (object) => structuredClone(object),
  ),
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'toString'),
  value: fc.constantFrom<unknown>(1, 'text', null, undefined, { x: 1 }, ['new']),
})

type Act = (object: Plain, key: string, value: unknown) => unknown

function outcomeOf(act: Act, object: Plain, key: string, value: unknown): unknown {
  try {
    return act(object, key, structuredClone(value))
  } catch (error) {
    return (error as Error).name
  }
}

describe('what changed in session.data', () => {
  it('S17: nothing, when nothing was touched: every block is passed on as it is', () => {
    const { data, object, base } = open(visitor)
    expect(Object.keys(object)).toHaveLength(6)
    expect('user' in object).toBe(true)
    const blocks = data.blocks()
    for (const [key, block] of base) expect(blocks.get(key)).toBe(block)
  })

  it('decodes no key that is not read, so a damaged one does no other harm', () => {
    const base = new Map([...blocksOf({ a: 1 }), ['broken', damaged], ...blocksOf({ z: [1] })])
    const data = createData(base)
    const object = data.object as Plain
    expect(object['a']).toBe(1)
    ;(object['z'] as number[]).push(2)
    expect(changed(data, base)).toEqual({ set: ['z'], deleted: [] })
    expect(data.blocks().get('broken')).toBe(damaged)
    expect(() => object['broken']).toThrow(expect.objectContaining({ code: 'damaged-value' }))
  })

  it('says its keys before and after it is changed, and decodes none', () => {
    const data = createData(new Map([...blocksOf({ a: 1, b: 2 }), ['broken', damaged]]))
    expect(data.keys()).toEqual(['a', 'b', 'broken'])
    const object = data.object as Plain
    delete object['a']
    object['more'] = 3
    expect(data.keys()).toEqual(['b', 'broken', 'more'])
  })

  it('lets a damaged key be assigned or deleted without reading it', () => {
    const data = createData(
      new Map([
        ['x', damaged],
        ['y', damaged],
      ]),
    )
    const object = data.object as Plain
    object['x'] = 'mended'
    delete object['y']
    expect(valuesOf(data.blocks())).toEqual({ x: 'mended' })
  })

  it('S17: nothing, when keys were only read', () => {
    const { data, object, base } = open(visitor)
    expect(JSON.stringify(object)).toContain('admin')
    expect(data.blocks()).toBe(base)
  })

  it('S17: nothing, when a number was only read that another encoder has written', () => {
    const base = new Map([['n', Uint8Array.of(0xcd, 0, 5)]])
    const data = createData(base)
    expect(data.object).toEqual({ n: 5 })
    expect(data.blocks()).toBe(base)
  })

  it('has a plain property in the place of a key that was read', () => {
    const { object } = open({ a: [1] })
    const value = object['a']
    expect(Object.getOwnPropertyDescriptor(object, 'a')).toEqual({
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  })

  it('reads null, alone and in a list', () => {
    const { data, object, base } = open({ none: null, list: [null, [null]] })
    expect([object['none'], object['list']]).toEqual([null, [null, [null]]])
    expect(changed(data, base)).toEqual({ set: [], deleted: [] })
    data.close(refuse)
    expect(object['none']).toBeNull()
  })

  it('gives the same value every time it is read', () => {
    const { object } = open(visitor)
    expect(object['user']).toBe(object['user'])
    expect({ ...object }['tags']).toBe(object['tags'])
  })

  it('a change however deep, in every kind of container', () => {
    const { data, object, base } = open(visitor)
    const read = object as typeof visitor
    read.user.roles.push('root')
    read.carts.get('tea')!.count++
    read.photo[1] = 9
    read.since.setTime(6)
    expect(changed(data, base)).toEqual({ set: ['user', 'since', 'carts', 'photo'], deleted: [] })
    expect(valuesOf(data.blocks())['user']).toEqual({ id: 42, roles: ['admin', 'root'] })
  })

  it('rule 13: a change in place of loaded bytes, which must not change the snapshot too', () => {
    const { data, object, base } = open({ photo: Uint8Array.of(1, 2, 3) })
    const before = base.get('photo')?.slice()
    ;(object['photo'] as Uint8Array).fill(0)
    expect(base.get('photo')).toEqual(before)
    expect(changed(data, base).set).toEqual(['photo'])
  })

  it('nothing, when a change was undone', () => {
    const { data, object, base } = open(visitor)
    const { tags } = object as typeof visitor
    tags.push('c')
    tags.pop()
    object['user'] = { id: 42, roles: ['admin'] }
    delete object['nothing']
    object['nothing'] = undefined
    expect(data.blocks()).toBe(base)
  })

  it('nothing, and no block is another, when a key was deleted and added again as it was', () => {
    const { data, object, base } = open({ a: 1, b: 2 })
    expect(object['a']).toBe(1)
    expect(data.blocks()).toBe(base)
    delete object['a']
    object['a'] = 1
    expect([...data.blocks()]).toEqual([...base].toReversed())
    expect(changed(data, base)).toEqual({ set: [], deleted: [] })
  })

  it('the order of keys, also of those that share one block', () => {
    const block = encodeValue('a', 1)
    const data = createData(new Map(['a', 'b'].map((key) => [key, block] as const)))
    const object = data.object as Plain
    delete object['a']
    object['a'] = 1
    expect([...data.blocks().keys()]).toEqual(['b', 'a'])
  })

  it('deletions, and keys deleted and added again', () => {
    const { data, object, base } = open({ a: 1, b: 2, c: 3 })
    delete object['a']
    delete object['b']
    object['b'] = 4
    expect(changed(data, base)).toEqual({ set: ['b'], deleted: ['a'] })
    expect(Object.keys(object)).toEqual(['c', 'b'])
  })

  it('nothing, for what is assigned to an object that inherits from it', () => {
    const { data, object, base } = open(visitor)
    const child = Object.create(object) as Plain
    child['tags'] = ['child']
    expect(Object.hasOwn(child, 'tags')).toBe(true)
    expect(object['tags']).toEqual(['a', 'b'])
    expect(changed(data, base)).toEqual({ set: [], deleted: [] })
  })

  it('refuses keys that cannot be kept', () => {
    const { data, object } = open({ a: 1 })
    Object.assign(object, { [Symbol('secret')]: 1 })
    expect(() => data.blocks()).toThrow(
      new SessionError(
        'unsupported-value',
        'session.data has a symbol as key, which a session cannot keep: use strings. ' +
          'Nothing was saved',
      ),
    )
    const other = open({})
    Object.defineProperty(other.object, '__proto__', { value: 1, enumerable: true })
    expect(() => other.data.blocks()).toThrow(/session\.data\.__proto__ is under a key/)
    const third = open({})
    third.object['\ud800'] = 1
    expect(() => third.data.blocks()).toThrow(
      new SessionError(
        'unsupported-value',
        'session.data["\\ud800"] is under a key that a session cannot keep: use another. ' +
          'Nothing was saved',
      ),
    )
  })

  it('rule 13: refuses what cannot be kept, and can be asked again when it is mended', () => {
    const { data, object } = open({ a: { list: [] as unknown[] } })
    const { a } = object as { a: { list: unknown[] } }
    a.list.push(() => 1)
    expect(() => data.blocks()).toThrow(/session\.data\.a\.list\[0\] is a function/)
    a.list.pop()
    expect(valuesOf(data.blocks())).toEqual({ a: { list: [] } })
  })

  it.each(['freeze', 'seal', 'preventExtensions'] as const)(
    'a nested change, also after the app has called Object.%s',
    (way) => {
      const { data, object, base } = open(visitor)
      const { freeze, seal, preventExtensions } = Object
      ;(({ freeze, seal, preventExtensions }) as Record<string, (of: object) => void>)[way]?.(
        object,
      )
      ;(object as typeof visitor).tags.push('c')
      expect(changed(data, base)).toEqual({ set: ['tags'], deleted: [] })
      expect(valuesOf(data.blocks())['tags']).toEqual(['a', 'b', 'c'])
    },
  )

  it('S30: refuses another prototype, as Object.assign of a __proto__ key would give it', () => {
    const { data, object } = open(visitor)
    Object.assign(object, JSON.parse('{"__proto__":{"isAdmin":true}}'))
    expect(() => data.blocks()).toThrow(
      new SessionError(
        'unsupported-value',
        'session.data was given another prototype (by Object.assign of a __proto__ key?), which a ' +
          'session cannot keep. Nothing was saved',
      ),
    )
    const bare = adoptData(Object.assign(Object.create(null) as Plain, { a: 1 }))
    expect(valuesOf(bare.blocks())).toEqual({ a: 1 })
  })

  it('counts every key of an adopted object as touched', () => {
    const adopted = adoptData({ a: 1, list: [1] })
    const base = adopted.blocks()
    ;(adopted.object as { list: number[] }).list.push(2)
    expect(changed(adopted, base)).toEqual({ set: ['list'], deleted: [] })
  })

  it('lets the app freeze it: it can be read, and no assignment gets through', () => {
    const { data, object, base } = open(visitor)
    Object.freeze(object)
    expect(object['tags']).toBe(object['tags'])
    expect(object).toEqual(visitor)
    expect(() => {
      object['tags'] = []
    }).toThrow(new TypeError('tags is read-only'))
    expect(() => {
      object['more'] = 1
    }).toThrow(TypeError)
    expect(() => {
      delete object['tags']
    }).toThrow(TypeError)
    expect(changed(data, base)).toEqual({ set: [], deleted: [] })
  })
})

it('a value is saved that was changed through its accessor, while that was out of place', () => {
  const { data, object, base } = open({ user: { id: 1 } })
  const accessor = Object.getOwnPropertyDescriptor(object, 'user')!
  delete object['user']
  const user = accessor.get!.call(object) as { id: number }
  user.id = 9
  Object.defineProperty(object, 'user', accessor)
  expect(changed(data, base)).toEqual({ set: ['user'], deleted: [] })
  expect(valuesOf(data.blocks())).toEqual({ user: { id: 9 } })
})

describe('closed session.data', () => {
  it('closes where a getter of the app throws', () => {
    const { data, object } = open({ a: 1 })
    const fail = () => {
      throw new Error('of the app')
    }
    Object.defineProperty(object, 'x', { get: fail, enumerable: true, configurable: true })
    object['y'] = 1
    data.close(refuse)
    for (const key of ['a', 'x', 'y', 'z']) expect(() => (object[key] = 2)).toThrow()
  })

  it('refuses changes of an object that the app has sealed', () => {
    const { data, object } = open({ a: 1, list: [1] })
    void object['list']
    object['more'] = 1
    Object.seal(object)
    data.close(refuse)
    for (const key of ['a', 'list', 'more', 'z']) expect(() => (object[key] = 2)).toThrow()
    expect({ ...object }).toEqual({ a: 1, list: [1], more: 1 })
  })

  function closed(values: object = visitor, touch?: (object: Plain) => void): Plain {
    const { data, object } = open(values)
    touch?.(object)
    data.close(refuse)
    return object
  }

  it('T20: refuses an assignment to a key that was never read, and says why', () => {
    const object = closed()
    expect(() => {
      object['tags'] = []
    }).toThrow(
      new SessionError(
        'committed',
        'Assigning session.data.tags after the session was saved has no effect',
      ),
    )
    expect(object['tags']).toEqual(['a', 'b'])
  })

  it('T20: refuses an assignment to a key that was read, assigned or added', () => {
    const object = closed(visitor, (data) => {
      expect(data['tags']).toEqual(['a', 'b'])
      data['user'] = 'new'
      data['a b'] = 'added'
    })
    for (const [key, name] of [
      ['tags', '.tags'],
      ['user', '.user'],
      ['a b', '["a b"]'],
    ] as const) {
      expect(() => {
        object[key] = 1
      }).toThrow(
        new SessionError(
          'committed',
          `Assigning session.data${name} after the session was saved has no effect`,
        ),
      )
    }
    expect(object).toMatchObject({ tags: ['a', 'b'], user: 'new', 'a b': 'added' })
  })

  it('T20: refuses new keys and deletions', () => {
    const object = closed(visitor, (data) => void data['user'])
    expect(() => {
      object['more'] = 1
    }).toThrow(TypeError)
    expect(() => {
      delete object['user']
    }).toThrow(TypeError)
    expect(() => {
      delete object['tags']
    }).toThrow(TypeError)
    expect(() => Object.defineProperty(object, 'tags', { value: 1 })).toThrow(TypeError)
    expect(Object.keys(object)).toEqual(Object.keys(visitor))
  })

  it('T20: refuses changes however deep in loaded arrays and objects, read before or after', () => {
    const object = closed(visitor, (data) => void data['user']) as typeof visitor
    expect(() => object.user.roles.push('root')).toThrow(TypeError)
    expect(() => {
      object.user.id = 1
    }).toThrow(TypeError)
    expect(() => object.tags.push('c')).toThrow(TypeError)
    expect(object).toEqual(visitor)
  })

  it.each<[string, (data: typeof visitor) => unknown]>([
    ['Map.set()', ({ carts }) => carts.set('milk', { count: 1 })],
    ['Map.delete()', ({ carts }) => carts.delete('tea')],
    ['Map.clear()', ({ carts }) => carts.clear()],
    ['Date.setTime()', ({ since }) => since.setTime(0)],
    ['Date.setHours()', ({ since }) => since.setHours(0)],
    ['Uint8Array.fill()', ({ photo }) => photo.fill(0)],
  ])('T20, F8: refuses %s of what was loaded, read before or after', (name, change) => {
    const method = name.slice(name.indexOf('.') + 1)
    for (const touch of [(data: Plain) => void Object.values(data), () => {}]) {
      const object = closed(visitor, touch) as typeof visitor
      expect(() => change(object)).toThrow(
        new SessionError(
          'committed',
          `session.data.${method} after the session was saved has no effect`,
        ),
      )
      expect(object).toEqual(visitor)
    }
  })

  it.each<[string, Iterable<{ count: number }> | ReadonlyMap<unknown, unknown>]>([
    ['the values of a loaded Map', new Map([['tea', { count: 1 }]])],
    ['the keys of a loaded Map', new Map([[{ count: 1 }, 'tea']])],
    ['a loaded Set', new Set([{ count: 1 }])],
  ])('F8: refuses changes of objects among %s', (_where, items) => {
    const { held } = closed({ held: items }, (data) => void data['held']) as { held: typeof items }
    const [item] = [...held].flat().filter((each) => typeof each === 'object')
    expect(() => {
      ;(item as { count: number }).count = 2
    }).toThrow(TypeError)
  })

  it('F8: leaves alone a Map, Set or Date that the app put in', () => {
    const mine = new Map([['a', new Date(1)]])
    closed(visitor, (data) => void (data['user'] = { mine }))
    mine.get('a')?.setTime(2)
    mine.set('b', new Date(3))
    expect([...mine.values()].map(Number)).toEqual([2, 3])
  })

  it('leaves alone what the app put in, which may be in use elsewhere', () => {
    const mine = { list: [1], inner: { a: 1 } }
    closed(visitor, (data) => {
      data['user'] = mine
      data['more'] = mine.list
    })
    mine.list.push(2)
    mine.inner.a = 2
    expect(mine).toEqual({ list: [1, 2], inner: { a: 2 } })
    expect(Object.isFrozen(mine)).toBe(false)
  })

  it('leaves alone what the app put into a loaded array or object, at whatever depth', () => {
    const product = { name: 'tea', tags: ['hot'] }
    const object = closed(visitor, (data) => {
      const { tags, user } = data as { tags: unknown[]; user: { roles: unknown[] } }
      tags.push(product)
      user.roles[0] = product.tags
    }) as typeof visitor
    product.tags.push('green')
    product.name = 'coffee'
    expect(product).toEqual({ name: 'coffee', tags: ['hot', 'green'] })
    expect(() => object.tags.push('c')).toThrow(TypeError)
    expect(() => object.user.roles.push('root')).toThrow(TypeError)
  })

  it('can be read, and gives the same value every time', () => {
    const object = closed()
    expect(object).toEqual(visitor)
    expect(object['user']).toBe(object['user'])
    expect({ ...object }).toEqual(visitor)
    expect(() => closed({ a: 1 })['a']).not.toThrow()
  })

  it('says why a key that is there cannot be changed to code that is not strict, and takes no new one', () => {
    const assign = runInThisContext('(data, key) => { data[key] = 1 }') as (
      data: Plain,
      key: string,
    ) => void
    const object = closed({ read: 1, unread: 2 }, (data) => void data['read'])
    expect(() => assign(object, 'read')).toThrow(/Assigning session\.data/)
    expect(() => assign(object, 'unread')).toThrow(/Assigning session\.data/)
    assign(object, 'fresh') // decisions/027: a seal is silent here
    expect(object).toEqual({ read: 1, unread: 2 })
  })

  it('decodes nothing when it is closed, so a damaged key does no harm', () => {
    for (const asked of [true, false]) {
      const data = createData(new Map([['bad', damaged]]))
      if (asked) expect(Object.keys(data.object)).toEqual(['bad'])
      expect(() => data.close(refuse)).not.toThrow()
      expect(() => (data.object as Plain)['bad']).toThrow(SessionError)
    }
  })

  it('can be closed again, for another reason', () => {
    const { data, object } = open({ a: 1, b: 2, carts: new Map() })
    expect(object['a']).toBe(1)
    const { carts } = object as { carts: Map<string, number> }
    data.close(refuse)
    data.close((what) => {
      throw new SessionError('read-only', `${what} here`)
    })
    for (const key of ['a', 'b']) {
      expect(() => {
        object[key] = 3
      }).toThrow(new SessionError('read-only', `Assigning session.data.${key} here`))
    }
    expect(() => carts.set('tea', 1)).toThrow(
      new SessionError('read-only', 'session.data.set() here'),
    )
    expect(object).toEqual({ a: 1, b: 2, carts: new Map() })
  })

  it('takes data that the app has frozen', () => {
    const object = closed(visitor, (data) => void Object.freeze(data))
    expect(object).toEqual(visitor)
    expect(() => {
      object['tags'] = 1
    }).toThrow()
  })

  it('refuses what is assigned to an object that inherits from it', () => {
    const child = Object.create(closed()) as Plain
    expect(() => {
      child['tags'] = 1
    }).toThrow(expect.objectContaining({ code: 'committed' }))
  })

  it('refuses on an adopted object too', () => {
    const adopted = adoptData({ a: 1 })
    adopted.close(refuse)
    const object = adopted.object as Plain
    expect(() => {
      object['a'] = 2
    }).toThrow(expect.objectContaining({ code: 'committed' }))
    expect(() => {
      object['b'] = 2
    }).toThrow(TypeError)
    expect(object).toEqual({ a: 1 })
  })
})

/** As React's server renderer decides (`isSimpleObject` in ReactSerializationErrors.js). */
function isSimpleForReact(object: object): boolean {
  if (Object.getPrototypeOf(object) !== Object.prototype) return false
  if (Object.getOwnPropertySymbols(object).length > 0) return false
  return Object.getOwnPropertyNames(object).every((name) => {
    return Object.getOwnPropertyDescriptor(object, name)?.enumerable === true
  })
}

/** As devalue decides, which SvelteKit serialises with (`is_plain_object` and what follows). */
function isPlainForDevalue(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return false
  if (Object.prototype.toString.call(object) !== '[object Object]') return false
  const symbols = Object.getOwnPropertySymbols(object)
  return symbols.every((symbol) => !isEnumerable.call(object, symbol))
}

it('rule 13: refuses a key whose getter throws, and does not pass its error on', () => {
  const data = adoptData({
    get user(): string {
      throw new Error('hunter2')
    },
  })
  expect(() => data.blocks()).toThrow(
    new SessionError(
      'unsupported-value',
      'session.data.user has a getter that throws, which a session cannot keep: store its value. ' +
        'Nothing was saved',
    ),
  )
})

it('sees a change in place of a key whose accessor was put back', () => {
  const { data, object, base } = open({ tags: ['a'] })
  const descriptors = Object.getOwnPropertyDescriptors(object)
  ;(object['tags'] as string[]).push('b')
  Object.defineProperties(object, descriptors)
  expect(changed(data, base)).toEqual({ set: ['tags'], deleted: [] })
})

it('passes on what is wrong with the key that a getter of the app reads', () => {
  const { object: other } = createData(new Map([['broken', damaged]]))
  const data = adoptData({
    get user(): unknown {
      return (other as Plain)['broken']
    },
  })
  expect(() => data.blocks()).toThrow(
    new SessionError('damaged-value', 'session.data.broken is damaged in the store'),
  )
})
