import { describe, expect, it } from 'vitest'
import { runScript } from './children.ts'
import type { MovingExplored } from './moving-main.ts'
import { isHistoryOfOneStore } from './moving-history.ts'
import type { MovingOp } from './moving-history.ts'
import { plantedMovingFaults } from './planted-moving-faults.ts'

const bound = 180_000

async function explore(...args: string[]): Promise<MovingExplored> {
  return JSON.parse(await runScript('moving-main.ts', args, bound)) as MovingExplored
}

describe('processes of both steps of a move', () => {
  it('answer as one store would, in 20,000 schedules', { timeout: bound }, async () => {
    expect(await explore('--count', '20000')).toEqual({ run: 20_000, found: [] })
  })

  it.each(Object.keys(plantedMovingFaults))(
    'do not, within 20,000 schedules, if %s',
    { timeout: bound },
    async (name) => {
      const { found } = await explore('--count', '20000', '--plant', name)
      expect(found).toHaveLength(1)
    },
  )
})

describe('the history of one store', () => {
  const op = (what: MovingOp['what'], start: number, end: number, more = {}): MovingOp => ({
    what,
    start,
    end,
    expected: null,
    value: `of ${start}`,
    result: null,
    ...more,
  })
  const save = op('save', 1, 2, { expected: 'first', result: 'saved' })

  it('has each save once, in an order in which all saw what was there', () => {
    expect(isHistoryOfOneStore([save, op('load', 3, 4, { result: 'of 1' })], 'first')).toBe(true)
    expect(isHistoryOfOneStore([save, op('load', 3, 4, { result: 'first' })], 'first')).toBe(false)
    expect(isHistoryOfOneStore([save, op('load', 1, 4, { result: 'first' })], 'first')).toBe(true)
    const second = op('save', 3, 4, { expected: 'first', result: 'saved' })
    expect(isHistoryOfOneStore([save, second], 'first')).toBe(false)
  })

  it('brings nothing back that has ended, but while the end is under way', () => {
    const gone = op('load', 3, 4)
    const back = op('load', 5, 6, { result: 'first' })
    const end = (until: number): MovingOp => op('end', 1, until, { result: 'deleted' })
    expect(isHistoryOfOneStore([end(2), gone, back], 'first')).toBe(false)
    expect(isHistoryOfOneStore([end(7), gone, back], 'first')).toBe(true)
    expect(isHistoryOfOneStore([end(7), gone, back, op('load', 8, 9)], 'first')).toBe(true)
    const late = op('load', 8, 9, { result: 'first' })
    expect(isHistoryOfOneStore([end(7), gone, back, late], 'first')).toBe(false)
  })
})
