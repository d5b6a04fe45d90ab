import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diff, isEmpty, merge, ours as takeOurs, sameBlock } from './diff-and-merge.ts'
import type { Block, Blocks, Contest, Settle } from './diff-and-merge.ts'

/** Blocks over few keys and few bytes, so that sides meet often. */
const names = ['a', 'b', 'c', 'constructor', '__proto__']
const blocks: fc.Arbitrary<Blocks> = fc
  .array(fc.tuple(fc.constantFrom(...names), fc.nat({ max: 2 })), { maxLength: 6 })
  .map((entries) => new Map(entries.map(([key, byte]) => [key, block(byte)])))

function block(...bytes: number[]): Block {
  return Uint8Array.from(bytes)
}

function blocksOf(bytes: Record<string, number>): Blocks {
  return new Map(Object.entries(bytes).map(([key, byte]) => [key, block(byte)]))
}

/** By key, in one order, as text. */
function textOf(of: Blocks): string {
  return JSON.stringify([...of].map(([key, value]) => `${key} ${value.join()}`).toSorted())
}

const never: Settle = (key) => {
  throw new Error(`${key} is not contested`)
}

/** Remembers what it was asked, and answers with a block that no side has. */
function recorder(): { settle: Settle; asked: [string, Contest][] } {
  const asked: [string, Contest][] = []
  return {
    asked,
    settle: (key, contest) => {
      asked.push([key, contest])
      return block(99)
    },
  }
}

describe('diff', () => {
  it('has what was set, changed and deleted', () => {
    const base = blocksOf({ kept: 1, changed: 1, deleted: 1 })
    const changes = diff(base, blocksOf({ kept: 1, changed: 2, added: 1 }))
    expect([...changes.set.keys()]).toEqual(['changed', 'added'])
    expect([...changes.deleted]).toEqual(['deleted'])
  })

  it('S17: is empty exactly when no key was added, changed or deleted', () => {
    fc.assert(
      fc.property(blocks, blocks, (base, mine) => {
        expect(isEmpty(diff(base, mine))).toBe(textOf(base) === textOf(mine))
        const copy = new Map([...base].map(([key, of]) => [key, of.slice()]))
        expect(isEmpty(diff(base, copy))).toBe(true)
      }),
    )
  })

  it('compares all bytes', () => {
    expect(sameBlock(block(1, 2, 3), block(1, 2, 3))).toBe(true)
    expect(sameBlock(block(1, 2, 3), block(1, 2, 4))).toBe(false)
    expect(sameBlock(block(1, 2, 3), block(9, 2, 3))).toBe(false)
    expect(sameBlock(block(1, 2, 3), block(1, 2))).toBe(false)
    expect(sameBlock(block(), block())).toBe(true)
    expect(sameBlock(block(), undefined)).toBe(false)
    expect(sameBlock(undefined, block())).toBe(false)
    expect(sameBlock(undefined, undefined)).toBe(true)
  })
})

describe('merge', () => {
  const options = { numRuns: 1000 }

  it('gives ours when no other request saved, without settling anything', () => {
    fc.assert(
      fc.property(blocks, blocks, (base, mine) => {
        expect(textOf(merge(base, diff(base, mine), base, never))).toBe(textOf(mine))
      }),
      options,
    )
  })

  it('gives theirs when we changed nothing, without settling anything', () => {
    fc.assert(
      fc.property(blocks, blocks, (base, theirs) => {
        const merged = merge(base, diff(base, base), theirs, never)
        expect([...merged.keys()]).toEqual([...theirs.keys()])
        for (const [key, of] of theirs) expect(merged.get(key)).toBe(of)
      }),
      options,
    )
  })

  it('takes each key from the side that changed it, and settles those of both, once each', () => {
    fc.assert(
      fc.property(blocks, blocks, blocks, (base, mine, theirs) => {
        const { settle, asked } = recorder()
        const merged = merge(base, diff(base, mine), theirs, settle)
        const contested = names.filter((key) => {
          const [from, left, right] = [base.get(key), mine.get(key), theirs.get(key)]
          const bothDeleted = left === undefined && right === undefined
          return !sameBlock(from, left) && !sameBlock(from, right) && !bothDeleted
        })
        expect(asked.map(([key]) => key).toSorted()).toEqual(contested.toSorted())
        for (const [key, contest] of asked) {
          expect(contest.base).toBe(base.get(key))
          expect(contest.ours).toBe(mine.get(key))
          expect(contest.theirs).toBe(theirs.get(key))
        }
        for (const key of names) {
          const weChanged = !sameBlock(base.get(key), mine.get(key))
          const left = (weChanged ? mine : theirs).get(key)
          const expected = contested.includes(key) ? block(99) : left
          expect(merged.get(key)).toEqual(expected)
          expect(merged.has(key)).toBe(expected !== undefined)
        }
      }),
      options,
    )
  })

  it('ends the same in both orders of saving, when no key is changed by both', () => {
    fc.assert(
      fc.property(blocks, blocks, blocks, (base, left, right) => {
        const touched = diff(base, left)
        const apart = new Map(right)
        for (const key of [...touched.set.keys(), ...touched.deleted]) {
          const from = base.get(key)
          if (from) apart.set(key, from)
          else apart.delete(key)
        }
        const leftFirst = merge(base, diff(base, apart), left, never)
        const rightFirst = merge(base, touched, apart, never)
        expect(textOf(leftFirst)).toBe(textOf(rightFirst))
      }),
      options,
    )
  })

  it('loses no key that only one of many savers set, in whatever order they save', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }), (order) => {
        const base = blocksOf({ shared: 1 })
        let stored = base
        for (const saver of order) {
          const mine = new Map(base).set(`key ${saver}`, block(saver))
          stored = merge(base, diff(base, mine), stored, never)
        }
        expect(stored.size).toBe(9)
      }),
    )
  })

  it('settles two equal additions, because two additions of 1 are 2', () => {
    const { settle, asked } = recorder()
    const both = blocksOf({ n: 2 })
    expect(
      merge(blocksOf({ n: 1 }), diff(blocksOf({ n: 1 }), both), both, settle).get('n'),
    ).toEqual(block(99))
    expect(merge(new Map(), diff(new Map(), both), both, settle).get('n')).toEqual(block(99))
    expect(asked).toHaveLength(2)
  })

  it('settles a deletion against a change, from both sides', () => {
    const base = blocksOf({ k: 1 })
    const changed = blocksOf({ k: 2 })
    const { settle, asked } = recorder()
    merge(base, diff(base, new Map()), changed, settle)
    merge(base, diff(base, changed), new Map(), settle)
    expect(asked).toEqual([
      ['k', { base: block(1), ours: undefined, theirs: block(2) }],
      ['k', { base: block(1), ours: block(2), theirs: undefined }],
    ])
  })

  it('deletes a contested key when that is the answer', () => {
    const base = blocksOf({ k: 1, other: 1 })
    const changes = diff(base, blocksOf({ k: 2, other: 1 }))
    const merged = merge(base, changes, blocksOf({ k: 3, other: 1 }), () => undefined)
    expect([...merged.keys()]).toEqual(['other'])
  })

  it('by default lets the later save win, key by key, deletions too', () => {
    const base = blocksOf({ a: 1, b: 1, c: 1 })
    const mine = blocksOf({ a: 2, c: 1 })
    const theirs = blocksOf({ a: 3, b: 3, c: 3 })
    const merged = merge(base, diff(base, mine), theirs, takeOurs)
    expect(textOf(merged)).toBe(textOf(blocksOf({ a: 2, c: 3 })))
  })

  it('keeps the order of theirs, and puts our additions behind', () => {
    const base = blocksOf({ a: 1, b: 1 })
    const mine = blocksOf({ x: 1, b: 2, a: 1, y: 1 })
    const theirs = blocksOf({ c: 1, b: 1, a: 1 })
    const merged = merge(base, diff(base, mine), theirs, never)
    expect([...merged.keys()]).toEqual(['c', 'b', 'a', 'x', 'y'])
  })

  it('changes nothing that it is given', () => {
    fc.assert(
      fc.property(blocks, blocks, blocks, (base, mine, theirs) => {
        const before = [textOf(base), textOf(mine), textOf(theirs)]
        const merged = merge(base, diff(base, mine), theirs, () => undefined)
        expect(merged).not.toBe(theirs)
        expect([textOf(base), textOf(mine), textOf(theirs)]).toEqual(before)
      }),
    )
  })
})
