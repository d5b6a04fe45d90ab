import { beforeAll, describe, expect, it } from 'vitest'
import { longest, runScript, twoAtATime } from './children.ts'
import type { Explored } from './explore.ts'
import { plantedFaults } from './planted-faults.ts'
import type { PlantedFault } from './planted-fault.ts'

async function explore(from: number, count: number, ...args: string[]): Promise<Explored> {
  const options = ['--from', String(from), '--count', String(count), ...args]
  return JSON.parse(await runScript('explore-main.ts', options)) as Explored
}

function total(found: readonly Explored[], count: (one: Explored) => number): number {
  return found.reduce((sum, one) => sum + count(one), 0)
}

describe('50,000 schedules of the core over a memcached whose every command is a step', () => {
  let found: readonly Explored[]
  beforeAll(async () => {
    found = await twoAtATime([1, 1_000_001], (from) => explore(from, 25_000))
  }, longest)

  it('break no law (node explore-main.ts --replay SEED shows one that does)', () => {
    expect(found.flatMap(({ broken }) => broken)).toEqual([])
    expect(total(found, ({ schedules }) => schedules)).toBe(50_000)
  })

  it('reach every outcome', () => {
    const outcomes = [
      'unchanged',
      'created',
      'saved',
      'renewed',
      'rotated',
      'destroyed',
      'discarded',
      'gone',
      'moved',
      'conflict',
      'unavailable',
      'unconfirmed',
      'revoked',
      'threw too-large',
      'threw auth',
      'threw invalid-value',
      'threw merge-failed',
    ]
    const rare = outcomes.filter((each) => total(found, (one) => one.outcomes[each] ?? 0) < 20)
    expect(rare).toEqual([])
  })

  it('meet every open finding (remove a fixed one from findings.ts)', () => {
    const names = Object.keys((found[0] as Explored).known)
    expect(
      names.filter((name) => total(found, ({ known }) => known[name] as number) === 0),
    ).toEqual([])
  })
})

describe('a seed', () => {
  it('replays its schedule exactly', async () => {
    const [first, second] = await twoAtATime([7, 7], (seed) =>
      runScript('explore-main.ts', ['--replay', String(seed)]),
    )
    expect(first).toMatch(/all laws hold/)
    expect(second).toBe(first)
  })
})

/** In how many schedules the laws found the fault; text, if they did not or said something else. */
async function search({ name, within }: PlantedFault): Promise<number | string> {
  try {
    const { broken, schedules } = await explore(1, within, '--plant', name)
    return broken.length === 1 ? schedules : `${name}: not within ${within} schedules`
  } catch (error) {
    return `${name}: ${(error as Error).message}`
  }
}

describe('the laws', () => {
  it('are asked about every row of inputs that a model reaches', () => {
    const rows = new Set(plantedFaults.map(({ row }) => row))
    expect([...rows].filter((row) => row !== undefined).toSorted()).toEqual([
      'A1',
      'B1',
      'B10',
      'B2',
      'B3',
      'B4',
      'B5',
      'B6',
      'B7',
      'B8',
      'B9',
      'C1',
      'C2',
      'C3',
      'C4',
      'C5',
      'D1',
      'D2',
      'E1',
      'E2',
      'E3',
      'G8',
      'H1',
    ])
  })

  it(
    'catch every planted fault within its number of schedules',
    { timeout: 2 * longest },
    async () => {
      const found = await twoAtATime(plantedFaults, search)
      expect(found.filter((each) => typeof each === 'string')).toEqual([])
      expect(found.length).toBeGreaterThan(71)
    },
  )
})
