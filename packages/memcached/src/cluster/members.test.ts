import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Client } from '../protocol/client.ts'
import { parseServers } from './address.ts'
import type { WeightedServer } from './address.ts'
import type { Version } from './cluster.ts'
import { Members } from './members.ts'
import { rendezvous } from './rank-by-rendezvous.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Members whose clients do nothing, and the names of those that were made and closed. */
function start(switchAt: number | null = null, asksSecond = true) {
  const made: string[] = []
  const closed: string[] = []
  const members = new Members({
    asksSecond,
    switchAt,
    now: Date.now,
    rankingOf: rendezvous,
    connect({ name }) {
      made.push(name)
      return {
        get: async () => ({ value: new TextEncoder().encode(name), cas: new Uint8Array(8) }),
        replace: async () => name,
        close: () => void closed.push(name),
      } as unknown as Client
    },
  })
  const set = (...servers: (string | WeightedServer)[]) => members.replace(parseServers(servers))
  return { members, made, closed, set }
}

test('a server that stays keeps its connection, and its index in versions', async () => {
  const { members, made, set } = start()
  set('a', 'b', 'c')
  const found = await Promise.all(
    Array.from({ length: 50 }, (_, at) => members.cluster!.get(`key:${at}`)),
  )
  set('c', 'a')
  set('d', 'c', 'a')
  expect(made).toEqual(['a:11211', 'b:11211', 'c:11211', 'd:11211'])
  for (const record of found) {
    const name = new TextDecoder().decode(record!.bytes)
    const node = made.indexOf(name)
    expect(record!.version.node).toBe(node)
    expect(await members.cluster!.replace('key', record!.bytes, 1, record!.version)).toBe(name)
  }
})

test('a server that leaves is closed after a minute, when its last requests have ended', () => {
  const { members, closed, set } = start()
  set('a', 'b')
  set('a')
  vi.advanceTimersByTime(59_999)
  expect(closed).toEqual([])
  vi.advanceTimersByTime(1)
  expect(closed).toEqual(['b:11211'])
  members.close()
  expect(vi.getTimerCount()).toBe(0)
})

test('closing closes those that have left as well, and leaves no timer', () => {
  const { members, closed, set } = start()
  set('a', 'b')
  set('b')
  members.close()
  expect(closed.sort()).toEqual(['a:11211', 'b:11211'])
  expect(vi.getTimerCount()).toBe(0)
})

describe('records move to a server that was added', () => {
  const minute = 60_000
  const rank = rendezvous(parseServers(['a', 'b']))
  const keys = Array.from({ length: 20 }, (_, at) => `key:${at}`)
  const key = keys.find((each) => rank(each)[1] === 0)!
  const second: Version = { cas: new Uint8Array(8), node: 0 }
  /** Whether a save of what the second server has is sent there, and not moved: moving asks the first. */
  async function stays({ members }: ReturnType<typeof start>): Promise<boolean> {
    const saved = members.cluster!.replace(key, new Uint8Array(), 1, second)
    return (await saved) === ('a:11211' as string)
  }

  test('ten minutes after this process got the list, whatever it was told since', async () => {
    const started = start()
    started.set('a')
    started.set('a', 'b')
    vi.advanceTimersByTime(9 * minute)
    started.set('b', 'a')
    expect(await stays(started)).toBe(true)
    vi.advanceTimersByTime(minute)
    expect(await stays(started)).toBe(false)
  })

  test('and ten minutes after a weight was changed', async () => {
    const started = start()
    started.set('a', 'b')
    vi.advanceTimersByTime(10 * minute)
    expect(await stays(started)).toBe(false)
    started.set('a', { address: 'b', weight: 8 })
    expect(await stays(started)).toBe(true)
    started.set('a', { address: 'b', weight: 8 })
    vi.advanceTimersByTime(10 * minute)
    expect(await stays(started)).toBe(false)
  })

  test('from a minute after the time at which all have it, however young the process', async () => {
    const young = start(Date.now() - minute)
    young.set('a', 'b')
    expect(await stays(young)).toBe(false)
    const early = start(Date.now())
    early.set('a', 'b')
    expect(await stays(early)).toBe(true)
    vi.advanceTimersByTime(minute)
    expect(await stays(early)).toBe(false)
  })

  test('not before a minute after that time, if this process got the list earlier', async () => {
    const started = start(Date.now() + 60 * minute)
    started.set('a')
    started.set('a', 'b')
    vi.advanceTimersByTime(60 * minute)
    expect(await stays(started)).toBe(true)
    vi.advanceTimersByTime(minute)
    expect(await stays(started)).toBe(false)
  })

  test('a minute after the list was changed at that time', async () => {
    const started = start(Date.now() + 60 * minute)
    started.set('a')
    vi.advanceTimersByTime(60 * minute)
    started.set('a', 'b')
    expect(await stays(started)).toBe(true)
    vi.advanceTimersByTime(minute)
    expect(await stays(started)).toBe(false)
  })
})
