import { describe, expect, it } from 'vitest'
import type { Address } from '../crypto/record-address.ts'
import { ListAddressCache } from './list-address-cache.ts'

const address = (id: string): Address => ({ id, keyMaterial: `subject ${id}` })

describe('the memory of lists', () => {
  it('knows where the list of a session is, and of no other', () => {
    const memory = new ListAddressCache()
    const list = address('list')
    memory.set('session', list)
    expect(memory.get('session')).toBe(list)
    expect(memory.get('other')).toBeUndefined()
  })

  it('knows the last place that it was told', () => {
    const memory = new ListAddressCache()
    memory.set('session', address('one'))
    memory.set('session', address('two'))
    expect(memory.get('session')?.id).toBe('two')
  })

  it('T16: is of 10,000 sessions at most, the oldest go first', () => {
    const memory = new ListAddressCache()
    for (let n = 0; n < 10_000; n++) memory.set(`session ${n}`, address('list'))
    expect(memory.get('session 0')).toBeDefined()
    memory.set('session 10000', address('list'))
    const known = [0, 1, 9999, 10_000].map((n) => memory.get(`session ${n}`) !== undefined)
    expect(known).toEqual([false, true, true, true])
  })
})
