import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Client } from '../protocol/client.ts'
import { parseServers } from './address.ts'
import { Members } from './members.ts'
import { rendezvous } from './rank-by-rendezvous.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Members whose clients do nothing, and the names of those that were made and closed. */
function start() {
  const made: string[] = []
  const closed: string[] = []
  const members = new Members({
    asksSecond: true,
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
  const set = (...names: string[]) => members.replace(parseServers(names))
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
