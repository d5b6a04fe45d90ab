import { describe, expect, it } from 'vitest'
import { recordOf } from '../../test/fakes/records.ts'
import { migrate } from './migrate.ts'
import type { MigrateOptions } from './migrate.ts'

const record = recordOf({ cart: ['hat'], user: 'ada' })

class Visitor {
  user = 'ada'
}

const results: readonly (readonly [string, unknown])[] = [
  ['a promise', Promise.resolve({ user: 'ada' })],
  ['a Map', new Map([['user', 'ada']])],
  ['a Set', new Set(['ada'])],
  ['an array', ['ada']],
  ['text', 'ada'],
  ['a number', 1],
  ['null', null],
  ['an instance of a class', new Visitor()],
  ['a date', new Date(0)],
]

describe('migrate', () => {
  it.each(results)('keeps the record as it is if `up` gives %s', (_name, result) => {
    const up = (() => result) as unknown as MigrateOptions['up']
    expect(migrate({ version: 1, reads: 1, up }, record)).toBe('migration')
  })

  it('takes the object that was changed, and another plain one', () => {
    const changing = {
      version: 1,
      reads: 1,
      up: (data: object) => void Object.assign(data, { a: 1 }),
    }
    const changed = migrate(changing, record)
    expect(typeof changed === 'object' && [...changed.blocks.keys()]).toEqual(['cart', 'user', 'a'])
    const giving = { version: 1, reads: 1, up: () => ({ __proto__: null, a: 1 }) }
    const given = migrate(giving, record)
    expect(typeof given === 'object' && [...given.blocks.keys()]).toEqual(['a'])
  })
})
