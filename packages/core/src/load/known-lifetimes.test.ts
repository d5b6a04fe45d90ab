import { describe, expect, it } from 'vitest'
import { KnownLifetimes } from './known-lifetimes.ts'

const lifetime = { idle: 10, absolute: 100, unused: 10, rotate: Infinity }
const persistent = { ...lifetime, idle: 50, absolute: 500 }

describe('KnownLifetimes', () => {
  it('knows the idle end of every session if there is one lifetime, and keeps nothing', () => {
    const known = new KnownLifetimes(lifetime, () => 7)
    expect(known.idleEnd('a')).toBe(17)
    known.note('a', true)
    expect(known.idleEnd('a')).toBe(17)
  })

  it('knows it of the sessions that were seen if there are two', () => {
    const known = new KnownLifetimes({ ...lifetime, persistent }, () => 7)
    expect(known.idleEnd('a')).toBeUndefined()
    known.note('a', true)
    known.note('b')
    expect([known.idleEnd('a'), known.idleEnd('b'), known.idleEnd('c')]).toEqual([
      57,
      17,
      undefined,
    ])
  })
})
