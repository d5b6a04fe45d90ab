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
    branch: null,
    token: 't1',
    openStart,
    openEnd,
    commitStart,
    commitEnd,
    state: 'live',
    id: 'i1',
    newId: 'i1',
    ref: null,
    seen,
    count: 0,
    intent: 'read',
    key: '',
    value: '',
    outcome: 'unchanged',
    newToken: null,
    ...more,
  }
}

const gone = { state: 'new', id: null, newId: null, seen: {} } as const

/** The session's first request. */
const made = op([0, 0, 0, 0], { ...gone, token: '', intent: 'create', newToken: 't1', newId: 'i1' })

function check(...ops: readonly HistoryOp[]): string[] {
  const all = [made, ...ops]
  return checkHistory({
    ops: all,
    initial: initialValue,
    keys: historyKeys,
    wipes: [],
    chaos: false,
  })
}

describe('a history', () => {
  const ended = op([1, 2, 3, 4], { intent: 'destroy', outcome: 'destroyed' })
  const wrote = op([1, 2, 3, 4], { intent: 'write', key: 'a', value: '0/v', outcome: 'saved' })
  const after = { seen: { ...op([0, 0, 0, 0], {}).seen, a: '0/v' }, count: 1 }

  it('accepts a sound history', () => {
    expect(check(wrote, op([5, 6, 7, 8], after))).toEqual([])
    expect(check(ended, op([5, 6, 7, 8], gone))).toEqual([])
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
    expect(check(op([1, 2, 3, 4], gone))).toEqual([
      'session 0: lost a token that no request had replaced',
    ])
    expect(check({ ...wrote, outcome: 'gone' })).toEqual([
      'session 0: was taken for ended, and no request had ended it',
    ])
    expect(check(op([1, 2, 3, 4], { seen: { a: '7/first/a' } }))).not.toEqual([])
  })

  it('shows a refused write that was seen, and an outage without a cause', () => {
    for (const outcome of ['conflict', 'moved', 'created'])
      expect(check({ ...wrote, outcome }, op([5, 6, 7, 8], after))).not.toEqual([])
    expect(check(op([1, 2, 3, 4], { state: 'unavailable', seen: {} }))).toHaveLength(1)
  })
})

describe('a history of moves', () => {
  const renewed = op([1, 2, 3, 4], {
    intent: 'renew',
    key: 'a',
    value: '0/r',
    outcome: 'renewed',
    newId: 'i2',
    newToken: 't2',
  })
  const underNew = {
    token: 't2',
    id: 'i2',
    newId: 'i2',
    seen: { ...renewed.seen, a: '0/r' },
    count: 1,
  }
  const moved = op([2, 3, 4, 5], { intent: 'write', key: 'b', value: '0/m', outcome: 'moved' })

  it('accepts a renewal, what it does to others, and a sign-out that follows it', () => {
    const signedOut = op([5, 6, 7, 8], { ...gone, intent: 'destroy', outcome: 'destroyed' })
    const both = [op([5, 6, 6, 6], underNew), op([5, 6, 6, 6], gone)]
    expect(check(renewed, moved, ...both)).toEqual([])
    expect(check(renewed, signedOut, op([9, 10, 10, 10], { ...gone, token: 't2' }))).toEqual([])
  })

  it('shows an old token that works after a renewal, and a new one that does not', () => {
    const seen = { seen: underNew.seen, count: 1 }
    expect(check(renewed, op([5, 6, 7, 8], seen))).toEqual([
      'session 0: was read under a token that had been replaced',
    ])
    expect(check(renewed, op([5, 6, 7, 8], { ...gone, token: 't2' }))).toEqual([
      'session 0: lost a token that no request had replaced',
    ])
  })

  it('shows data that a renewal lost', () => {
    const lost = { ...underNew, seen: renewed.seen, count: 0 }
    expect(check(renewed, op([5, 6, 7, 8], lost))).toHaveLength(2)
  })

  it('shows a move that was reported before any was begun, and a change that was reported so and saved', () => {
    expect(check(moved)).toEqual(['session 0: was told of a move that no one began'])
    const seen = { ...underNew, seen: { ...underNew.seen, b: '0/m' } }
    expect(check(renewed, moved, op([6, 7, 8, 9], seen))).toHaveLength(1)
  })

  it('shows a read under the new token after a sign-out under the old one', () => {
    const signedOut = op([5, 6, 7, 8], { ...gone, intent: 'destroy', outcome: 'gone' })
    expect(check(renewed, signedOut, op([9, 10, 10, 10], underNew))).toEqual([
      'session 0: was read after its end',
    ])
  })

  it('accepts an old token that a rotation has replaced', () => {
    const rotated = { ...renewed, intent: 'write', outcome: 'rotated' } as const
    expect(check(rotated, op([5, 6, 7, 8], { ...underNew, token: 't1' }))).toEqual([])
  })
})

describe('a history under chaos', () => {
  const checkChaos = (...ops: readonly HistoryOp[]): string[] =>
    checkHistory({
      ops: [made, ...ops],
      initial: initialValue,
      keys: historyKeys,
      wipes: [],
      chaos: true,
    })
  const lost = op([5, 6, 7, 8], gone)

  it('accepts a lost token only if a request may have replaced it', () => {
    const unknown = op([1, 2, 3, 4], { intent: 'write', outcome: 'unavailable' })
    expect(checkChaos(unknown, lost)).toEqual([])
    expect(checkChaos(lost)).toEqual(['session 0: lost a token that no request had replaced'])
  })
})

describe('a history of sign-ins', () => {
  const signIn = op([1, 2, 3, 4], {
    intent: 'sign-in',
    key: 'a',
    value: '0/s',
    outcome: 'created',
    newId: 'i3',
    newToken: 't3',
  })
  const branch = {
    branch: '0/s',
    token: 't3',
    id: 'i3',
    newId: 'i3',
    ref: 'r1',
    seen: { ...signIn.seen, a: '0/s' },
  }
  const renew = op([1, 2, 2, 3], { intent: 'renew', outcome: 'renewed', newId: 'i2' })

  it('accepts a session of its own, with what it had seen or with its own change alone', () => {
    expect(check(renew, signIn, op([5, 6, 6, 6], branch))).toEqual([])
    expect(check(renew, signIn, op([5, 6, 6, 6], { ...branch, seen: { a: '0/s' } }))).toEqual([])
  })

  it('shows one that is partial, without its own change, not signed in, or lost', () => {
    const { a, b } = branch.seen as { a: string; b: string }
    const read = (more: Partial<HistoryOp>): string[] =>
      check(renew, signIn, op([5, 6, 6, 6], { ...branch, ...more }))
    expect(read({ seen: { a, b } })).toEqual(['session 0: the session of a sign-in is partial'])
    expect(read({ seen: { ...branch.seen, a: b } })).toEqual([
      'session 0: a sign-in is without its own change',
    ])
    expect(read({ ref: null })).toEqual(['session 0: a sign-in signed in no one'])
    expect(read(gone)).toEqual(['session 0: the session of a sign-in was lost'])
  })

  it('shows data of a session that had been signed out', () => {
    const signedOut = op([1, 2, 2, 2.5], { intent: 'destroy', outcome: 'destroyed' })
    expect(check(signedOut, signIn, op([5, 6, 6, 6], branch))).toEqual([
      'session 0: what was signed out is in the session of a sign-in',
    ])
  })

  it('shows a session that is read after it was revoked, or ended by its name', () => {
    const read = op([1, 2, 2, 2], { ref: 'r1' })
    const late = op([7, 8, 8, 8], { ref: 'r1' })
    const revoked = op([3, 4, 5, 6], { ref: 'r1', intent: 'revoke', outcome: 'revoked' })
    const law = ['session 0: was read after its revocation']
    expect(check(read, revoked, late)).toEqual(law)
    expect(check(read, { ...revoked, intent: 'end' }, late)).toEqual(law)
    // Signed in again: while it was being revoked, or another one than that which was ended.
    expect(check({ ...revoked, ref: null }, late)).toEqual([])
    expect(check(read, { ...revoked, intent: 'end' }, { ...late, ref: 'r2' })).toEqual([])
  })
})

const bound = 180_000

describe('4 processes of 8 workers on 200 hot sessions of a real memcached', () => {
  it('50,000 operations: no anomaly', { timeout: bound }, async () => {
    const { ops, outcomes, anomalies } = await runHistory({ ops: 50_000 })
    expect(anomalies).toEqual([])
    expect(ops).toBeGreaterThanOrEqual(50_000)
    const ends = counts(outcomes, 'destroyed', 'revoked', 'gone')
    const moves = counts(outcomes, 'renewed', 'rotated', 'moved', 'created')
    expect(Math.min(...ends, ...moves)).toBeGreaterThan(0)
    expect(Math.min(...counts(outcomes, 'saved', 'unchanged'))).toBeGreaterThan(1000)
  })

  it(
    '15,000 under resets, cuts, stalls and a restart: no anomaly',
    { timeout: bound },
    async () => {
      const { outcomes, anomalies, broken } = await runHistory({ ops: 15_000, chaos: true })
      expect(anomalies).toEqual([])
      expect(broken).toBeGreaterThan(20)
      expect(Math.min(...counts(outcomes, 'saved'))).toBeGreaterThan(20)
      const outages = counts(outcomes, 'unavailable', 'unavailable at open')
      expect(outages.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(20)
    },
  )
})

function counts(outcomes: HistoryResult['outcomes'], ...names: string[]): number[] {
  return names.map((name) => outcomes[name] ?? 0)
}

describe('a client of another kind is caught within 4,000 operations', () => {
  const anomaliesOf = async (
    fault: StoreFault,
    mortality = 0.01,
    mobility = 0.02,
  ): Promise<string> =>
    (await runHistory({ ops: 4000, fault, mortality, mobility })).anomalies.join('\n')

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

  it('one that confirms a revocation before it is done', { timeout: bound }, async () => {
    expect(await anomaliesOf('late delete', 0.2, 0.2)).toMatch(/after its revocation/)
  })
})
