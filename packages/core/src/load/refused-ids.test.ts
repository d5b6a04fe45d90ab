import { describe, expect, it } from 'vitest'
import { RefusedIds } from './refused-ids.ts'

describe('logouts that were not confirmed', () => {
  it('T7: are refused until the store has confirmed them', () => {
    const pending = new RefusedIds()
    expect(pending.has('a')).toBe(false)
    expect(pending.add('a')).toBe(true)
    expect([pending.has('a'), pending.has('b')]).toEqual([true, false])
    pending.delete('a')
    expect(pending.has('a')).toBe(false)
    expect(pending.add('a')).toBe(true)
  })

  it('T7: are tried once at a time, so the second to come is told that there is one', () => {
    const pending = new RefusedIds()
    expect([pending.add('a'), pending.add('a'), pending.add('a')]).toEqual([true, false, false])
    expect(pending.has('a')).toBe(true)
  })

  it('T16: are 10,000 at most, the oldest go first', () => {
    const pending = new RefusedIds()
    for (let n = 0; n < 10_000; n++) pending.add(`id ${n}`)
    expect(pending.has('id 0')).toBe(true)
    expect(pending.add('id 9999')).toBe(false)
    expect(pending.has('id 0')).toBe(true)
    pending.add('id 10000')
    expect([pending.has('id 0'), pending.has('id 1'), pending.has('id 10000')]).toEqual([
      false,
      true,
      true,
    ])
  })

  it('forgets an id that is not pending without a fuss', () => {
    const pending = new RefusedIds()
    pending.add('a')
    pending.delete('b')
    expect(pending.has('a')).toBe(true)
  })
})
