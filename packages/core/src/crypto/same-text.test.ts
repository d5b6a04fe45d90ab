import { describe, expect, it } from 'vitest'
import { isSameText } from './same-text.ts'

describe('isSameText', () => {
  it.each<[string, string, boolean]>([
    ['abc', 'abc', true],
    ['', '', true],
    ['abc', 'abd', false],
    ['bbc', 'abc', false],
    ['abc', 'ab', false],
    ['ab', 'abc', false],
    ['', 'a', false],
    ['a', '', false],
    ['a\0', 'a', false],
    ['\u0161', 'a', false],
  ])('%j and %j: %s', (left, right, isSame) => {
    expect(isSameText(left, right)).toBe(isSame)
  })
})
