import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { HashedServer } from './hashed-server.ts'
import { rendezvous } from './rank-by-rendezvous.ts'

const keys = Array.from(
  { length: 32_000 },
  (_, index) => `coatcheck:${createHash('sha256').update(String(index)).digest('base64url')}`,
)
const evenly = (names: readonly string[]): HashedServer[] =>
  names.map((name) => ({ name, weight: 1 }))
const servers = ['10.0.0.1:11211', '10.0.0.2:11211', '10.0.0.3:11211', '10.0.0.4:11211']

/** The names of the servers that rank first and second for each key. */
function ranked(shares: readonly HashedServer[]) {
  const rank = rendezvous(shares)
  return keys.map((key) => rank(key).map((server) => shares[server]?.name))
}

function placed(shares: readonly HashedServer[]) {
  return ranked(shares).map(([first]) => first)
}

/** The share of all keys for which each server ranks first. */
function parts(shares: readonly HashedServer[]): number[] {
  const places = placed(shares)
  return shares.map(({ name }) => places.filter((place) => place === name).length / keys.length)
}

describe('rendezvous hashing', () => {
  it('gives every server its share, within 5 %', () => {
    for (const part of parts(evenly(servers))) expectAbout(part, 0.25, 0.05)
  })

  it('respects weights, within 5 %', () => {
    const weights = [1, 2, 3, 10]
    const shares = servers.map((name, index) => ({ name, weight: weights[index]! }))
    for (const [index, part] of parts(shares).entries()) {
      expectAbout(part, weights[index]! / 16, 0.05)
    }
  })

  it('goes by the proportion of weights alone', () => {
    const shares = evenly(servers)
    expect(placed(shares.map((share) => ({ ...share, weight: 0.5 })))).toEqual(placed(shares))
  })

  it('moves a quarter of the keys, within 2 %, when a fourth server is added, and only to it', () => {
    const before = placed(evenly(servers.slice(0, 3)))
    const after = placed(evenly(servers))
    const moved = after.filter((place, index) => place !== before[index])
    expect(new Set(moved)).toEqual(new Set([servers[3]]))
    expectAbout(moved.length / keys.length, 0.25, 0.02)
  })

  it('moves keys only to the server that was added, whatever the weights', () => {
    const weights = [5, 1, 3, 7]
    const shares = servers.map((name, index) => ({ name, weight: weights[index]! }))
    const before = placed(shares.slice(0, 3))
    const moved = placed(shares).filter((place, index) => place !== before[index])
    expect(new Set(moved)).toEqual(new Set([servers[3]]))
    expectAbout(moved.length / keys.length, 7 / 16, 0.05)
  })

  it('has as second the server that was first before one was added', () => {
    const before = placed(evenly(servers.slice(0, 3)))
    const lost = ranked(evenly(servers)).filter((both, index) => !both.includes(before[index]))
    expect(lost).toEqual([])
  })

  it('never has one server first and second', () => {
    const same = ranked(evenly(servers)).filter(([first, second]) => !second || second === first)
    expect(same).toEqual([])
  })

  it('goes by the names, not by their order', () => {
    const shares = servers.map((name, index) => ({ name, weight: 1 + index }))
    expect(ranked(shares.toReversed())).toEqual(ranked(shares))
    expect(ranked(evenly(servers.toReversed()))).toEqual(ranked(evenly(servers)))
  })

  it('has one choice with one server, and no second', () => {
    expect(rendezvous(evenly(['only:1']))('key')).toEqual([0, -1])
    expect(rendezvous([{ name: 'only:1', weight: 3 }])('key')).toEqual([0, -1])
  })

  it('spreads keys that differ in one character only', () => {
    const rank = rendezvous(evenly(servers))
    const counts = servers.map(() => 0)
    for (let index = 0; index < 4000; index++) counts[rank(`k${index}`)[0]]!++
    for (const count of counts) expect(count).toBeGreaterThan(800)
  })
})

function expectAbout(part: number, expected: number, tolerance: number): void {
  expect(part / expected).toBeGreaterThan(1 - tolerance)
  expect(part / expected).toBeLessThan(1 + tolerance)
}
