import { describe, expect, it } from 'vitest'
import { createData } from './lazy-object.ts'
import { createView } from './read-only-view.ts'
import { take, takenFrom } from './take.ts'
import { encodeValue } from './value.ts'
import { SessionError } from '../errors.ts'

type Values = Record<string, unknown>

const dataOf = (values: Values): ReturnType<typeof createData> =>
  createData(new Map(Object.entries(values).map(([key, value]) => [key, encodeValue(key, value)])))

describe('take', () => {
  it('gives the value, removes it, and says what was taken', () => {
    const data = dataOf({ notice: { text: 'hi' }, other: 1 })
    const object = data.object as Values
    expect(take(object, 'notice')).toEqual({ text: 'hi' })
    expect([...data.blocks().keys()]).toEqual(['other'])
    expect(take(object, 'notice')).toBeUndefined()
    take(object, 'other')
    expect([...data.taken()]).toEqual(['notice', 'other'])
  })

  it('changes nothing if there is nothing, also for what every object has', () => {
    const data = dataOf({ other: 1 })
    const before = data.blocks()
    expect(data.taken().size).toBe(0)
    expect(take(data.object as Values, 'notice')).toBeUndefined()
    expect(take(data.object as Values, 'toString')).toBeUndefined()
    expect(data.blocks()).toBe(before)
    expect(data.taken().size).toBe(0)
  })

  it('a plain deletion takes nothing', () => {
    const data = dataOf({ notice: 1 })
    delete (data.object as Values)['notice']
    expect(data.taken().size).toBe(0)
  })

  it('throws why, and takes nothing, if the object was held from before it was closed', () => {
    for (const read of [true, false]) {
      const data = dataOf({ notice: { text: 'hi' } })
      const object = data.object as Values
      if (read) void object['notice']
      data.close((what) => {
        throw new SessionError('committed', `${what} is too late`)
      })
      expect(() => take(object, 'notice')).toThrow(
        new SessionError('committed', 'Assigning session.data.notice is too late'),
      )
      expect([object['notice'], data.taken().size]).toEqual([{ text: 'hi' }, 0])
    }
    const sealed: { notice?: number } = Object.seal({ notice: 1 })
    expect(() => take(sealed, 'notice')).toThrow('cannot be removed')
  })

  it('throws the error of a session that can only be read, and takes nothing', () => {
    const data = dataOf({ notice: 1 })
    const view = createView(data.object, () => {
      throw new SessionError('read-only', 'write elsewhere')
    })
    expect(() => take(view as Values, 'notice')).toThrow(
      new SessionError('read-only', 'write elsewhere'),
    )
    expect(takenFrom(view).size + data.taken().size).toBe(0)
  })
})
