import { describe, expect, it } from 'vitest'
import { longestTurn } from './rules/retry-limits.ts'
import { IsolatedQueue } from './isolated-queue.ts'
import type { Taken } from './isolated-queue.ts'

/** The queues of two requests, which share only who has the turn. Each wait lets 10 ms pass. */
function twoRequests() {
  const taken: Taken = new Map()
  const clock = { now: 1000, waits: 0 }
  const context = {
    now: () => clock.now,
    chance: () => 0.5,
    async wait() {
      clock.waits++
      clock.now += 10
    },
  }
  const request = () => new IsolatedQueue<string, string>(taken, context)
  return { clock, taken, first: request(), second: request() }
}

const never = new Promise<never>(() => {})
const echo = async (items: readonly string[]) => items.map((result) => ({ result }))

describe('the turns of requests that work for themselves', () => {
  it('rule 6: a request waits while another has the turn, and does its own work alone', async () => {
    const { first, second, clock } = twoRequests()
    const end = Promise.withResolvers<void>()
    const batches: (readonly string[])[] = []
    const held = first.add('id', 'a', async (items) => {
      batches.push(items)
      await end.promise
      return echo(items)
    })
    const other = second.add('id', 'b', async (items) => {
      batches.push(items)
      return echo(items)
    })
    await new Promise(setImmediate)
    // It has gone on beside a turn that took longer than a turn may.
    expect(await other).toBe('b')
    expect(clock.waits).toBe(longestTurn / 10 + 1)
    end.resolve()
    expect(await held).toBe('a')
    expect(batches).toEqual([['a'], ['b']])
  })

  it('goes on at once when the turn ends, after an error too, and for another key', async () => {
    const { first, second, clock, taken } = twoRequests()
    const broken = new Error('broken')
    await expect(first.add('id', 'a', () => Promise.reject(broken))).rejects.toBe(broken)
    await expect(first.add('id', 'a', async () => [{ error: broken }])).rejects.toBe(broken)
    expect(await second.add('id', 'b', echo)).toBe('b')
    void first.add('one', 'c', () => never)
    expect(await second.add('two', 'd', echo)).toBe('d')
    expect(clock.waits).toBe(0)
    expect([...taken.keys()]).toEqual(['one'])
  })

  it('forgets turns whose request was cancelled', async () => {
    const { first, second, clock, taken } = twoRequests()
    for (const key of ['one', 'two', 'three']) void first.add(key, 'a', () => never)
    clock.now += longestTurn + 1
    expect(await second.add('four', 'b', echo)).toBe('b')
    expect(taken.size).toBe(0)
  })
})
