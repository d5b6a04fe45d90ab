import { setTimeout as sleep } from 'node:timers/promises'
import type { ValkeyCluster } from '@coatcheck/harness/valkey-cluster'
import { startValkeyCluster, until } from '@coatcheck/harness/valkey-cluster'
import { moveSlot } from '@coatcheck/harness/valkey-move-slot'
import type { ValkeyProcess } from '@coatcheck/harness/valkey'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { slotOf } from '../src/client/slot.ts'
import { valkeyStore } from '../src/store/valkey-store.ts'
import type { ValkeyStore } from '../src/store/valkey-store.ts'
import { countWrites } from './count-writes.ts'

const later = (): number => Date.now() + 600_000

let cluster: ValkeyCluster
beforeAll(async () => void (cluster = await startValkeyCluster()))
afterAll(() => cluster.end())

function open(deadline = 5000): ValkeyStore {
  const url = cluster.primaries.map(({ address }) => address)
  const store = valkeyStore({ url, cluster: true, deadline })
  onTestFinished(() => store.close())
  return store
}

/** Ids whose keys are all in this slot. */
function idsIn(slot: number, count: number): readonly string[] {
  const ids: string[] = []
  for (let at = 0; ids.length < count; at++) {
    if (slotOf(`coatcheck:id-${at}`) === slot) ids.push(`id-${at}`)
  }
  return ids
}

/** A counter that several processes add to, under a version. */
interface Counter {
  readonly id: string
  /** How many additions were answered with `saved`. */
  added: number
  /** How many had no answer, and may be there or not. */
  unknown: number
}

/** What the load has seen. */
interface Seen {
  readonly codes: Set<string>
  readonly ended: string[]
  /** Ends and beginnings that succeeded. */
  ends: number
  isOver: boolean
}

const bytesOf = (count: number): Uint8Array => new Uint8Array(Uint32Array.of(count).buffer)
const countIn = (bytes: Uint8Array): number => Buffer.from(bytes).readUInt32LE()

/** Adds again and again, from a process of its own: with `ends`, so that a replica confirms every other one. */
async function add(store: ValkeyStore, counter: Counter, seen: Seen): Promise<void> {
  for (let turn = 0; !seen.isOver; turn++) {
    let isSent = false
    try {
      const found = await store.load(counter.id)
      if (found === null) throw new Error(`${counter.id} is gone`)
      isSent = true
      const bytes = bytesOf(countIn(found.bytes) + 1)
      const result = await store.save(counter.id, bytes, later(), found.version, turn % 2 === 0)
      if (result === 'saved') counter.added++
      else expect(result).toBe('conflict')
    } catch (error) {
      note(error, seen)
      if (isSent) counter.unknown++
    }
    await sleep(2)
  }
}

/** Begins and ends sessions, whose keys are in the slot. */
async function beginAndEnd(store: ValkeyStore, ids: readonly string[], seen: Seen): Promise<void> {
  for (const id of ids) {
    if (seen.isOver) return
    try {
      await store.create(id, bytesOf(0), later())
      const found = await store.load(id)
      if (found !== null) await store.delete(id, found.version)
      seen.ended.push(id)
      seen.ends++
    } catch (error) {
      note(error, seen)
    }
    await sleep(2)
  }
}

/** Any error but one with a code is one of the test. */
function note(error: unknown, { codes }: Seen): void {
  const { code } = error as { readonly code?: string }
  if (code === undefined) throw error
  codes.add(code)
}

async function expectCounted(counters: readonly Counter[], seen: Seen): Promise<void> {
  const store = open()
  for (const { id, added, unknown } of counters) {
    const { bytes } = (await store.load(id))!
    expect(countIn(bytes), id).toBeGreaterThanOrEqual(added)
    expect(countIn(bytes), id).toBeLessThanOrEqual(added + unknown)
  }
  const revived = await Promise.all(seen.ended.map((id) => store.load(id)))
  expect(revived.filter((found) => found !== null)).toEqual([])
}

it('200 commands at once are few writes to each of three primaries', async () => {
  const store = open()
  await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => store.load(id)))
  expect(await countWrites(store)).toBeLessThanOrEqual(9)
})

describe('a slot that moves to another primary under load', () => {
  it('loses no update, and every session in it can be read, saved and ended all the time', async () => {
    const [from, to] = cluster.primaries as [ValkeyProcess, ValkeyProcess]
    const slot = 100
    const [first, ...rest] = idsIn(slot, 412)
    const counters = [first!, ...rest.slice(0, 11)].map((id) => ({ id, added: 0, unknown: 0 }))
    const seen: Seen = { codes: new Set(), ended: [], ends: 0, isOver: false }
    const stores = [open(), open()]
    await Promise.all(counters.map(({ id }) => stores[0]!.create(id, bytesOf(0), later())))
    const load = Promise.all([
      ...stores.flatMap((store) => counters.map((counter) => add(store, counter, seen))),
      beginAndEnd(open(), rest.slice(11), seen),
    ])
    const total = (): number => counters.reduce((sum, { added }) => sum + added, 0)
    /** Waits until sessions have been saved and ended meanwhile. */
    const goOn = async (): Promise<void> => {
      const before = [total(), seen.ends] as const
      await until('sessions are saved and ended', async () => {
        return total() > before[0] + 20 && seen.ends > before[1] + 2
      })
    }
    try {
      await goOn()
      const moving = await moveSlot(cluster, slot, from, to)
      await goOn()
      for (let step = 0; step < 4; step++) {
        await moving.moveKeys(3)
        await goOn()
      }
      await moving.finish()
      await goOn()
    } finally {
      seen.isOver = true
    }
    await load
    expect([...seen.codes]).toEqual([])
    expect(counters.map(({ unknown }) => unknown)).toEqual(counters.map(() => 0))
    await expectCounted(counters, seen)
    const asked = Number((await to.commands())['asking'])
    expect(asked).toBeGreaterThan(20)
  }, 120_000)

  it('whose new primary is lost on the way: the code is unavailable, and nothing else comes of it', async () => {
    const [, from, to] = cluster.primaries as [ValkeyProcess, ValkeyProcess, ValkeyProcess]
    const slot = 6000
    const ids = idsIn(slot, 8)
    const store = open(400)
    await Promise.all(ids.map((id) => store.create(id, bytesOf(0), later())))
    const moving = await moveSlot(cluster, slot, from, to)
    await moving.moveKeys()
    expect((await store.load(ids[0]!))?.bytes).toEqual(Buffer.from(bytesOf(0)))
    // Commands that were sent there are under way when it ends.
    to.pause()
    const results = Promise.allSettled(
      ids.flatMap((id) => [
        store.load(id),
        store.create(id, bytesOf(1), later()),
        store.delete(id),
      ]),
    )
    await sleep(100)
    await to.kill()
    const codes = (await results).map((each) =>
      each.status === 'rejected' ? each.reason.code : 'done',
    )
    expect(new Set(codes)).toEqual(new Set(['unavailable']))
  }, 60_000)
})
