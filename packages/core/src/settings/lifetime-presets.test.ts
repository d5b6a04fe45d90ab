import { describe, expect, it } from 'vitest'
import { lifetimes } from './lifetime-presets.ts'
import { memoryStore } from '../store/memory-store.ts'
import { readOptions } from './read-options.ts'

describe('the lifetimes of standards', () => {
  it('S1, S50: are what NIST SP 800-63B-4 asks for', () => {
    const { aal1, aal2, aal3 } = lifetimes
    expect(aal1).toEqual({ idle: 2_592_000, absolute: 2_592_000 })
    expect(aal2).toEqual({ idle: 3600, absolute: 86_400 })
    expect(aal3).toEqual({ idle: 900, absolute: 43_200 })
  })

  it('S1: are what OWASP ASVS 4.0.3 asks for in 3.3.2', () => {
    const { asvs4L1, asvs4L2, asvs4L3 } = lifetimes
    expect(asvs4L1).toEqual({ idle: 2_592_000, absolute: 2_592_000 })
    expect(asvs4L2).toEqual({ idle: 1800, absolute: 43_200 })
    expect(asvs4L3).toEqual({ idle: 900, absolute: 43_200 })
  })

  it.each(Object.entries(lifetimes))('S1: %s is accepted as it stands', (_name, lifetime) => {
    const read = readOptions({ store: memoryStore(), lifetime }).lifetime
    expect(read).toMatchObject({
      idle: (lifetime.idle as number) * 1000,
      absolute: (lifetime.absolute as number) * 1000,
    })
  })

  it('S1: the default is that of AAL2', () => {
    const given = readOptions({ store: memoryStore(), lifetime: lifetimes.aal2 }).lifetime
    expect(readOptions({ store: memoryStore() }).lifetime).toEqual(given)
  })
})
