import { describe, expect, it } from 'vitest'
import { runHistory } from './history-run.ts'
import type { ValkeyFault } from './planted-valkey-faults.ts'

const bound = 180_000

describe('4 processes of 8 workers on 200 hot sessions of a real Valkey or Redis', () => {
  it('15,000 operations: no anomaly', { timeout: bound }, async () => {
    const { ops, outcomes, anomalies } = await runHistory({ engine: 'valkey', ops: 15_000 })
    expect(anomalies).toEqual([])
    expect(ops).toBeGreaterThanOrEqual(15_000)
    for (const name of ['destroyed', 'revoked', 'gone', 'renewed', 'rotated', 'moved', 'created']) {
      expect(outcomes[name], name).toBeGreaterThan(0)
    }
    expect(outcomes['saved']).toBeGreaterThan(1000)
  })

  it('6000 under resets, cuts, stalls and a restart: no anomaly', { timeout: bound }, async () => {
    const run = { engine: 'valkey', ops: 6000, chaos: true } as const
    const { outcomes, anomalies, broken } = await runHistory(run)
    expect(anomalies).toEqual([])
    expect(broken).toBeGreaterThan(20)
    expect(outcomes['saved']).toBeGreaterThan(20)
    const { unavailable = 0, 'unavailable at open': atOpen = 0 } = outcomes
    expect(unavailable + atOpen).toBeGreaterThan(20)
  })
})

describe('a fault in the scripts of the store is caught within 4000 operations', () => {
  it.each<[ValkeyFault, number, RegExp]>([
    ['a save ignores the version', 0.01, /additions were acknowledged/],
    ['a save creates what is missing', 0.05, /after its end/],
    ['a version comes again', 0.01, /additions were acknowledged/],
  ])('%s', { timeout: bound }, async (planted, mortality, law) => {
    const run = { engine: 'valkey', ops: 4000, planted, mortality } as const
    const { anomalies } = await runHistory(run)
    expect(anomalies.join('\n')).toMatch(law)
  })
})
