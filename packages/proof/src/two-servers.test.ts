import { beforeAll, describe, expect, it } from 'vitest'
import { longest, runScript, twoAtATime } from './children.ts'
import type { Moved } from './two-servers.ts'
import { plantedTwoServersFaults } from './planted-two-servers-faults.ts'
import type { TwoServersFault } from './planted-two-servers-faults.ts'

async function explore(from: number, count: number, ...args: string[]): Promise<Moved> {
  const options = ['--from', String(from), '--count', String(count), ...args]
  return JSON.parse(await runScript('two-servers-main.ts', options)) as Moved
}

describe('50,000 schedules of a record that moves from its second server to its first', () => {
  let found: readonly Moved[]
  beforeAll(async () => {
    found = await twoAtATime([1, 1_000_001], (from) => explore(from, 25_000))
  }, longest)

  it('break no law', () => {
    expect(found.flatMap(({ broken }) => broken)).toEqual([])
    expect(found.map(({ schedules }) => schedules)).toEqual([25_000, 25_000])
  })

  it('reach every outcome, and move the record', () => {
    const outcomes = ['found', 'none', 'unknown', 'running'].map((outcome) => `read ${outcome}`)
    outcomes.push('write saved', 'destroy ended', 'delete ended', 'create created')
    for (const { outcomes: counts, moved } of found) {
      expect(outcomes.filter((each) => (counts[each] ?? 0) < 20)).toEqual([])
      expect(moved).toBeGreaterThan(10_000)
    }
  })
})

describe('a fault that is planted in the cluster is found within 2000 schedules', () => {
  it.concurrent.each(Object.keys(plantedTwoServersFaults) as TwoServersFault[])(
    '%s',
    async (fault) => {
      const { broken } = await explore(1, 2000, '--plant', fault)
      expect(broken).toHaveLength(1)
    },
  )
})
