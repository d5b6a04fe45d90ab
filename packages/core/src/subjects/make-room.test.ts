import { describe, expect, it } from 'vitest'
import type { LimitContext } from './make-room.ts'
import { makeRoom, onlyAlive } from './make-room.ts'
import type { Listed, SubjectList } from './list-record.ts'

const lifetime = { idle: 1000, absolute: 10_000, unused: 10_000, rotate: Infinity }
const context: LimitContext = { sessionsPerSubject: 3, lifetime, now: () => 2000 }

const listed = (createdAt: number, more: Partial<Listed> = {}): Listed => ({
  createdAt,
  renewedAt: null,
  seenAt: 2000,
  label: null,
  ...more,
})
const refsOf = (list: SubjectList): string[] => [...list.keys()]

describe('makeRoom', () => {
  it('S2: leaves a list alone that has room for one', () => {
    const list = new Map([
      ['a', listed(2)],
      ['b', listed(1)],
    ])
    expect(makeRoom(list, context)).toEqual(list)
    expect(refsOf(makeRoom(list, context))).toEqual(['a', 'b'])
  })

  it('S2: drops the one that was signed in to first, wherever it stands', () => {
    const list = new Map([
      ['renewed', listed(1, { renewedAt: 9 })],
      ['oldest', listed(2)],
      ['newest', listed(3)],
    ])
    expect(refsOf(makeRoom(list, context)).toSorted()).toEqual(['newest', 'renewed'])
  })

  it('E1: drops what has ended before a live one', () => {
    const list = new Map([
      ['first', listed(1)],
      ['ended', listed(3, { seenAt: 700 })],
      ['last', listed(2)],
    ])
    expect(refsOf(makeRoom(list, context))).toEqual(['first', 'last'])
  })

  it('E1: keeps what seems to be unused for too long while there is room: the list may not have heard', () => {
    const list = new Map([
      ['unheard', listed(2, { seenAt: 700 })],
      ['alive', listed(3)],
      ['over', listed(-8000)],
    ])
    expect(refsOf(makeRoom(list, context))).toEqual(['unheard', 'alive'])
    expect(refsOf(makeRoom(list, { ...context, sessionsPerSubject: 2 }))).toEqual(['alive'])
  })

  it('keeps remembered sessions whose lifetime this process does not know, while there is room', () => {
    const idle = { seenAt: 700, isPersistent: true }
    const list = new Map([
      ['later', listed(-8000, idle)],
      ['alive', listed(3)],
      ['ended', listed(-8000)],
      ['former', listed(-9000, idle)],
    ])
    expect(refsOf(makeRoom(list, { ...context, sessionsPerSubject: 9 }))).toEqual([
      'later',
      'alive',
      'former',
    ])
    expect(refsOf(makeRoom(list, context))).toEqual(['later', 'alive'])
    expect(refsOf(makeRoom(list, { ...context, sessionsPerSubject: 2 }))).toEqual(['alive'])
    const known = { ...lifetime, persistent: lifetime }
    expect(refsOf(makeRoom(list, { ...context, lifetime: known }))).toEqual(['alive'])
  })

  it('makes room in a list that is longer than the limit', () => {
    const list = new Map(Array.from({ length: 9 }, (_, at) => [String(at), listed(at)] as const))
    expect(refsOf(makeRoom(list, context))).toEqual(['7', '8'])
  })
})

describe('onlyAlive', () => {
  it('E3: keeps a session for a quarter of the idle time longer than its last use may be known', () => {
    const list = new Map([
      ['just', listed(1, { seenAt: 751 })],
      ['over', listed(1, { seenAt: 750 })],
    ])
    expect(refsOf(onlyAlive(list, context))).toEqual(['just'])
  })

  it('drops what is older than the absolute time', () => {
    const list = new Map([['old', listed(1, { seenAt: 10_000 })]])
    expect(refsOf(onlyAlive(list, { ...context, now: () => 10_001 }))).toEqual([])
  })
})
