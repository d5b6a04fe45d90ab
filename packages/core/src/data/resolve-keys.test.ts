import { describe, expect, it } from 'vitest'
import type { Block } from '../rules/diff-and-merge.ts'
import { SessionError } from '../errors.ts'
import { sum } from '../rules/resolvers.ts'
import type { AnyResolver, Versions } from '../rules/resolvers.ts'
import { settleWith } from './resolve-keys.ts'
import { decodeValue, encodeValue } from './value.ts'

const SECRET = 'hunter2-hunter2'

function block(value: unknown): Block {
  return encodeValue('k', value)
}

function failure(resolver: AnyResolver, ours: Block, theirs: Block): SessionError {
  try {
    settleWith(() => resolver)('cart', { base: undefined, ours, theirs })
  } catch (error) {
    if (error instanceof SessionError) return error
    throw error
  }
  throw new Error('it did not throw')
}

describe('settling by resolvers of values', () => {
  it('hands the three values over decoded, and encodes the answer', () => {
    const asked: [string, Versions<unknown>][] = []
    const settle = settleWith((key) => (versions: Versions<unknown>) => {
      asked.push([key, versions])
      return new Map([['a', -0]])
    })
    const settled = settle('cart', {
      base: block(new Set([1])),
      ours: block(undefined),
      theirs: block({ a: 2n }),
    })
    expect(asked).toEqual([['cart', { base: new Set([1]), ours: undefined, theirs: { a: 2n } }]])
    expect(decodeValue('k', settled as Block)).toEqual(new Map([['a', -0]]))
  })

  it('hands a missing side over as undefined, and takes undefined for a deletion', () => {
    const settle = settleWith(() => (versions: Versions<unknown>) => {
      expect(versions).toEqual({ base: undefined, ours: undefined, theirs: undefined })
      return undefined
    })
    expect(settle('k', { base: undefined, ours: undefined, theirs: undefined })).toBeUndefined()
  })

  it('hands over values that share no memory with the blocks', () => {
    const theirs = block({ bytes: Uint8Array.of(1, 2) })
    const before = theirs.slice()
    const settle = settleWith(() => (versions: Versions<{ bytes: Uint8Array }>) => {
      versions.theirs?.bytes.fill(9)
      return versions.theirs
    })
    settle('k', { base: undefined, ours: block(1), theirs })
    expect(theirs).toEqual(before)
  })

  it('takes our block without decoding anything where a key has no resolver', () => {
    const settle = settleWith((key) => (key === 'visits' ? sum : undefined))
    const broken = Uint8Array.of(0xc1)
    const ours = block('ours')
    expect(settle('other', { base: broken, ours, theirs: broken })).toBe(ours)
    expect(settle('other', { base: ours, ours: undefined, theirs: broken })).toBeUndefined()
  })

  it('S35: says that a resolver failed, with its error as cause and no value', () => {
    const thrown = new TypeError('sum merges numbers')
    const error = failure(
      () => {
        throw thrown
      },
      block(SECRET),
      block(SECRET),
    )
    expect(error.code).toBe('merge-failed')
    expect(error.message).toBe('The resolver of session.data.cart failed. Nothing was saved')
    expect(error.cause).toBe(thrown)
    expect(error.message).not.toContain(SECRET)
  })

  it('fails likewise for a resolver that is no function', () => {
    expect(failure('sum' as never, block(1), block(2)).code).toBe('merge-failed')
  })

  it('refuses what a resolver makes that a session cannot keep, such as a promise', () => {
    const error = failure(async () => SECRET, block(1), block(2))
    expect(error.code).toBe('unsupported-value')
    expect(error.message).toContain('session.data.cart is an instance of Promise')
    expect(error.message).not.toContain(SECRET)
  })

  it('says that a stored value is damaged, rather than that the resolver failed', () => {
    const error = failure(sum, block(1), Uint8Array.of(0xc1))
    expect(error.code).toBe('damaged-value')
  })
})
