import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { rendezvous } from './rendezvous.ts'

const keys = Array.from(
  { length: 30_000 },
  (_, index) => `coatcheck:${createHash('sha256').update(String(index)).digest('base64url')}`,
)
const nodes = ['10.0.0.1:11211', '10.0.0.2:11211', '10.0.0.3:11211', '10.0.0.4:11211']

/** The name that each key goes to. */
function placed(names: readonly string[]): string[] {
  const pick = rendezvous(names)
  return keys.map((key) => names[pick(key)]!)
}

describe('rendezvous', () => {
  it('gives every node its share, within 5 %', () => {
    const places = placed(nodes)
    for (const node of nodes) {
      const share = places.filter((place) => place === node).length / keys.length
      expect(share).toBeGreaterThan(0.2375)
      expect(share).toBeLessThan(0.2625)
    }
  })

  it('moves keys only to the node that was added', () => {
    const before = placed(nodes.slice(0, 3))
    const after = placed(nodes)
    const moved = after.filter((place, index) => place !== before[index])
    expect(new Set(moved)).toEqual(new Set([nodes[3]]))
    expect(moved.length).toBe(after.filter((place) => place === nodes[3]).length)
  })

  it('goes by the names, not by their order', () => {
    expect(placed(nodes.toReversed())).toEqual(placed(nodes))
  })

  it('has one choice with one node', () => {
    expect(new Set(placed(['only:1']))).toEqual(new Set(['only:1']))
  })

  it('spreads keys that differ in one character only', () => {
    const pick = rendezvous(nodes)
    const counts = nodes.map(() => 0)
    for (let index = 0; index < 4000; index++) counts[pick(`k${index}`)]!++
    for (const count of counts) expect(count).toBeGreaterThan(800)
  })
})
