import { describe, expect, it } from 'vitest'
import type { StoreFault } from './faulty-store.ts'
import { checkHistory } from './history-check.ts'
import { runHistory } from './history-run.ts'
import type { HistoryResult } from './history-run.ts'
import type { HistoryOp } from './history.ts'
import { historyKeys, initialValue } from './history.ts'
import { checkRegister } from './register.ts'
import type { RegisterOp } from './register.ts'

const write = (value: string, start: number, end: number): RegisterOp => ({
  kind: 'write',
  value,
  start,
  end,
})
const read = (value: string, start: number, end: number): RegisterOp => ({
  kind: 'read',
  value,
  start,
  end,
})

describe('a register', () => {
  it('is sound when every read shows a write that may have been the last', () => {
    const overlapping = [write('a', 0, 10), write('b', 5, 15), read('b', 6, 7), read('a', 16, 17)]
    expect(checkRegister(overlapping)).toBe(null)
    expect(checkRegister([...overlapping.slice(0, 3), read('b', 16, 17)])).toBe(null)
    expect(checkRegister([...overlapping, read('b', 18, 19)])).toBe('b was read again after a')
    expect(checkRegister([write('a', 0, 1), write('b', 2, Infinity), read('a', 5, 6)])).toBe(null)
  })

  it('is not sound when a read goes back in time', () => {
    const ops = [write('a', 0, 1), write('b', 2, 3), read('b', 4, 5), read('a', 6, 7)]
    expect(checkRegister(ops)).toBe('a was read again after b')
  })

  it('is not sound when an acknowledged write was never there', () => {
    const ops = [write('a', 0, 1), read('a', 2, 3), write('b', 4, 5), read('a', 6, 7)]
    expect(checkRegister(ops)).toBe('b was written while a held before and after')
  })

  it('is not sound when a read shows a value that was never written, or not yet', () => {
    expect(checkRegister([read('x', 0, 1)])).toBe('x was read, and was never written')
    expect(checkRegister([read('x', 0, 1), write('x', 2, 3)])).toBe(
      'x was read before it was written',
    )
  })
})

/** One operation of session 0, on its own. */
function op(times: readonly [number, number, number, number], more: Partial<HistoryOp>): HistoryOp {
  const [openStart, openEnd, commitStart, commitEnd] = times
  const seen = Object.fromEntries(historyKeys.map((key) => [key, initialValue(0, key)]))
  return {
    session: 0,
    openStart,
    openEnd,
    commitStart,
    commitEnd,
    state: 'live',
    seen,
    count: 0,
    intent: 'read',
    key: '',
    value: '',
    outcome: 'unchanged',
    cookie: null,
    renewed: false,
    ...more,
  }
}

function check(...ops: readonly HistoryOp[]): string[] {
  return checkHistory({ ops, initial: initialValue, keys: historyKeys, wipes: [], chaos: false })
}

describe('a history', () => {
  const ended = op([1, 2, 3, 4], { intent: 'destroy', outcome: 'destroyed' })
  const wrote = op([1, 2, 3, 4], { intent: 'write', key: 'a', value: '0/v', outcome: 'saved' })
  const after = { seen: { ...op([0, 0, 0, 0], {}).seen, a: '0/v' }, count: 1 }

  it('accepts a sound history', () => {
    expect(check(wrote, op([5, 6, 7, 8], after))).toEqual([])
    expect(check(ended, op([5, 6, 7, 8], { state: 'new', seen: {} }))).toEqual([])
  })

  it('shows a lost write, in its key and in the count', () => {
    expect(check(wrote, op([5, 6, 7, 8], {}))).toHaveLength(2)
  })

  it('shows a read and a save after the end', () => {
    expect(check(ended, op([5, 6, 7, 8], {}))).toEqual(['session 0: was read after its end'])
    expect(check(ended, { ...wrote, openStart: 2, commitStart: 5, commitEnd: 6 })).toEqual([
      'session 0: saved after its end',
    ])
  })

  it('shows a session that ended without a request, or turned into another', () => {
    expect(check(op([1, 2, 3, 4], { state: 'new', seen: {} }))).toHaveLength(1)
    expect(check(op([1, 2, 3, 4], { seen: { a: '7/first/a' } }))).not.toEqual([])
  })

  it('shows a refused write that was seen, and an outage without a cause', () => {
    expect(check({ ...wrote, outcome: 'conflict' }, op([5, 6, 7, 8], after))).not.toEqual([])
    expect(check(op([1, 2, 3, 4], { state: 'unavailable', seen: {} }))).toHaveLength(1)
  })
})

const bound = 180_000

describe('4 processes of 8 workers on 200 hot sessions of a real memcached', () => {
  it('50,000 operations: no anomaly', { timeout: bound }, async () => {
    const { ops, outcomes, anomalies } = await runHistory({ ops: 50_000 })
    expect(anomalies).toEqual([])
    expect(ops).toBeGreaterThanOrEqual(50_000)
    const all = counts(outcomes, 'saved', 'unchanged', 'destroyed', 'renewed', 'gone')
    expect(Math.min(...all)).toBeGreaterThan(0)
  })

  it(
    '15,000 under resets, cuts, stalls and a restart: no anomaly',
    { timeout: bound },
    async () => {
      const { outcomes, anomalies, broken } = await runHistory({ ops: 15_000, chaos: true })
      expect(anomalies).toEqual([])
      expect(broken).toBeGreaterThan(20)
      expect(Math.min(...counts(outcomes, 'saved', 'unavailable at open'))).toBeGreaterThan(20)
    },
  )
})

function counts(outcomes: HistoryResult['outcomes'], ...names: string[]): number[] {
  return names.map((name) => outcomes[name] ?? 0)
}

describe('a client of another kind is caught within 4,000 operations', () => {
  const anomaliesOf = async (fault: StoreFault, mortality = 0.01): Promise<string> =>
    (await runHistory({ ops: 4000, fault, mortality })).anomalies.join('\n')

  it('one that sets blindly loses writes', { timeout: bound }, async () => {
    expect(await anomaliesOf('blind set')).toMatch(/additions were acknowledged/)
  })

  it('one whose save creates brings ended sessions back', { timeout: bound }, async () => {
    expect(await anomaliesOf('save creates', 0.05)).toMatch(/after its end/)
  })

  it('one that reads from a cache goes back in time', { timeout: bound }, async () => {
    expect(await anomaliesOf('stale reads')).toMatch(/was read again after|was written while/)
  })

  it('one that reports saved and drops one save in a hundred', { timeout: bound }, async () => {
    expect(await anomaliesOf('drops a save')).toMatch(/additions were acknowledged/)
  })

  it('one that confirms a logout before it is done', { timeout: bound }, async () => {
    expect(await anomaliesOf('late delete', 0.05)).toMatch(/after its end/)
  })
})
