import { describe, expect, it } from 'vitest'
import { recordOf } from '../../test/fakes/records.ts'
import type { SessionRecord } from '../store/record.ts'
import { migrate } from './migrate.ts'
import type { MigrateOptions } from './migrate.ts'
import { decodeValue } from './value.ts'

const record = recordOf({ cart: ['hat'], user: 'ada' })

function outcomeOf(made: ReturnType<typeof migrate<SessionRecord>>, given: SessionRecord): string {
  if (typeof made === 'string') return made
  if (made === given) return 'as it is'
  return `made ${made.version} from ${String(decodeValue('from', made.blocks.get('from')!))}`
}

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
  ['a function, even one that inherits from nothing', Object.setPrototypeOf(() => {}, null)],
]

describe('migrate', () => {
  it.each<[stored: number | undefined, what: string]>([
    [undefined, 'made 2 from 0'],
    [1, 'made 2 from 1'],
    [2, 'as it is'],
    [3, 'as it is'],
    [4, 'newer-version'],
  ])('with version 2 that reads 3: a record of version %s is %s', (stored, what) => {
    const up = (data: Record<string, unknown>, from: number): void => void (data['from'] = from)
    const given = stored === undefined ? record : { ...record, version: stored }
    const made = migrate({ version: 2, reads: 3, up }, given)
    expect(outcomeOf(made, given)).toBe(what)
  })

  it('without the option gives a record without a version, and none that has one', () => {
    expect(migrate(null, record)).toBe(record)
    expect(migrate(null, { ...record, version: 1 })).toBe('newer-version')
  })

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
