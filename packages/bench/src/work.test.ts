import { expect, it } from 'vitest'
import { fullPoints, keyOf, quickPoints, shapeOf } from './work.ts'

it('names every point differently, so that none hides another', () => {
  const keys = fullPoints().map(keyOf)
  expect(new Set(keys).size).toBe(keys.length)
  expect(keys).toContain('read @64')
  expect(keys).toContain('change, 32 KB @64')
  expect(keys).toContain('read, 10 ms away @1')
  expect(keys).toContain('change, 20000 visitors @64')
})

it('a short run measures nothing that a whole one does not', () => {
  const full = new Set(fullPoints().map(keyOf))
  expect(quickPoints().filter((point) => !full.has(keyOf(point)))).toEqual([])
})

it('there are enough visitors for all that are under way', () => {
  expect(fullPoints().filter(({ visitors, inFlight }) => visitors < inFlight)).toEqual([])
})

it('a visitor signs in and out once', () => {
  expect(shapeOf('sign-in')).toMatchObject({ hasSession: true, once: true })
  expect(shapeOf('no cookie')).toEqual({ route: 'untouched', hasSession: false, once: false })
  expect(shapeOf('create').hasSession).toBe(false)
})
