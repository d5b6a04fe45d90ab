import { describe, expect, it } from 'vitest'
import { allocated, measureAllocation } from './allocation.ts'

const use = (heap: number, external = 0) => ({ heap, external })

describe('allocated', () => {
  it('is the difference if no garbage was collected', () => {
    expect(allocated(use(100, 5), [], use(150, 9))).toEqual(use(50, 4))
  })

  it('counts what each collection took away', () => {
    const collections = [
      { before: use(300, 10), after: use(120, 0) },
      { before: use(400, 7), after: use(90, 7) },
    ]
    // 100 to 300, 120 to 400, 90 to 95; and 5 to 10, 0 to 7, 7 to 8.
    expect(allocated(use(100, 5), collections, use(95, 8))).toEqual(use(485, 13))
  })
})

it('measureAllocation sees what garbage collections have taken away meanwhile', async () => {
  const megabytes = 24
  const { heap } = await measureAllocation(async () => {
    let kept: number[] = []
    // 128 KB at a time: an array of 16,384 doubles.
    for (let count = 0; count < megabytes * 8; count++) {
      kept = Array.from({ length: 16_384 }, (_, index) => index + 0.5)
    }
    expect(kept).toHaveLength(16_384)
  })
  expect(heap).toBeGreaterThan(megabytes * 2 ** 20)
})
