import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseServers } from './address.ts'
import { ketama } from './rank-by-ketama.ts'
import type { HashedServer } from './hashed-server.ts'

interface List {
  readonly name: string
  readonly servers: readonly { readonly address: string; readonly weight: number }[]
  readonly places: string
}

/** Where the real libmemcached puts keys, as written by `ketama-vectors.c`. */
const { lists } = JSON.parse(
  readFileSync(new URL('../../test/ketama-vectors.json', import.meta.url), 'utf8'),
) as { lists: List[] }

const keys = Array.from({ length: 2000 }, (_, index) => `coatcheck:${index}`)
const places = (shares: readonly HashedServer[]) => {
  const rank = ketama(shares)
  return keys.map((key) => 'abcdefghijkl'[rank(key)[0]]).join('')
}

describe('ketama', () => {
  it.each(lists)('agrees with libmemcached: $name', ({ servers, places: theirs }) => {
    expect(theirs).toHaveLength(2000)
    expect(places(parseServers(servers))).toBe(theirs)
  })

  it('was compared on lists that tell servers, ports and weights apart', () => {
    const used = lists.filter(({ servers }) => servers.length > 1)
    expect(used.length).toBeGreaterThan(8)
    for (const { servers, places: theirs } of used) {
      expect(new Set(theirs).size).toBe(servers.length)
      const rename = (name: string) => name.replace('10.0.0.', '10.1.0.')
      const alike = servers.map(({ address }) => rename(address))
      if (servers.every(({ address }) => address.startsWith('10.'))) {
        expect(places(parseServers(alike))).not.toBe(theirs)
      }
    }
  })

  const even = ['a:1', 'b:1', 'c:1', 'd:1'].map((name) => ({ name, weight: 1 }))

  it('has as second the server that was first before one was added, all being even', () => {
    const before = ketama(even.slice(0, 3))
    const after = ketama(even)
    for (const key of keys) expect(after(key)).toContain(before(key)[0])
  })

  it('never has one server first and second', () => {
    const rank = ketama(even)
    for (const key of keys) {
      const [first, second] = rank(key)
      expect(even[second]).toBeDefined()
      expect(second).not.toBe(first)
    }
    expect(ketama(even.slice(0, 1))('key')).toEqual([0, -1])
  })

  it('refuses what libmemcached does not have, or would do in silence', () => {
    const broken = [...even, { name: 'e:1', weight: 1.5 }]
    expect(() => ketama(broken)).toThrow('e:1: ketama requires whole weights')
    const tiny = [...even, { name: 'e:1', weight: 1000 }]
    expect(() => ketama(tiny)).toThrow('a:1: the weight is too small')
  })
})
