import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached } from '@coatcheck/harness/memcached'
import { describe, expect, test } from 'vitest'
import { StoreError } from '@coatcheck/core/remote'
import { createBinaryClient } from '../src/protocol/binary-client.ts'
import type { Cas, Client, Hit } from '../src/protocol/client.ts'
import { createMetaClient } from '../src/protocol/meta-client.ts'
import { startFaultProxy } from './fake-server.ts'
import type { Fault, FaultProxy, ProxiedPath } from './fake-server.ts'
import { trickle } from './faults.ts'
import { awake, patiently } from './patience.ts'

const host = '127.0.0.1'
const deadline = 100

describe.each([
  ['binary', createBinaryClient],
  ['meta', createMetaClient],
] as const)('in chaos, the %s protocol', (protocol, createClient) => {
  test('S80, S81: settles 200,000 commands in time, and believes nothing that is not so', async () => {
    const memcached = await startMemcached({ trace: false, args: ['-m', '256'] })
    const proxy = await startFaultProxy(memcached.port)
    const clients = Array.from({ length: 16 }, () => {
      return createClient({ host, port: proxy.port, deadline, connectDeadline: 200 })
    })
    const chaos = randomFaults(protocol === 'binary' ? 1 : 2)
    proxy.fault(chaos.fault)
    const tally = { commands: 0, failed: 0, wrong: [] as string[], longest: 0 }
    const visitors = Array.from({ length: 16 * 24 }, (_, at) =>
      visit(clients[at % clients.length]!, `${protocol}:${at}`, tally, 200_000),
    )
    await Promise.all(visitors)

    expect(tally.wrong).toEqual([])
    expect(tally.commands).toBeGreaterThanOrEqual(200_000)
    expect(chaos.count.resets).toBeGreaterThan(100)
    expect(chaos.count.stalls).toBeGreaterThan(30)
    expect(chaos.count.drips).toBeGreaterThan(10)
    expect(chaos.count.swaps).toBeGreaterThan(100)
    expect(tally.failed).toBeGreaterThan(100)
    expect(tally.longest).toBeLessThan(deadline + 50)
    await recover(clients, proxy)
    await proxy.close()
    await memcached.kill()
  })
})

/** Every client works as soon as the chaos is over and leaves no connection open. */
async function recover(clients: readonly Client[], proxy: FaultProxy): Promise<void> {
  proxy.fault(undefined)
  for (const client of clients) await patiently(() => client.check())
  for (const client of clients) client.close()
  for (let tries = 0; tries < 1000 && proxy.open() > 0; tries++) await sleep(5)
  expect(proxy.open()).toBe(0)
}

/**
 * Of every 1000 chunks of answers, 30 reset the connection in the middle, 10 stall it for good, 2
 * make it slow from then on, and 20 arrive with parts in the wrong order.
 */
function randomFaults(seed: number) {
  const random = randomFrom(seed)
  const count = { resets: 0, stalls: 0, drips: 0, swaps: 0 }
  const stalled = new WeakSet<ProxiedPath>()
  const dripping = new WeakSet<ProxiedPath>()
  const late = new WeakMap<ProxiedPath, Buffer>()
  const drip = trickle(300)
  const fault: Fault = {
    answer(piece, path) {
      if (stalled.has(path) || !path.client.writable) return
      if (dripping.has(path)) return drip.answer!(piece, path)
      const bytes = Buffer.concat([piece, late.get(path) ?? Buffer.alloc(0)])
      late.delete(path)
      const dice = random()
      if (dice < 0.03) {
        count.resets++
        const part = bytes.subarray(0, Math.floor(random() * bytes.length))
        path.client.write(part, () => path.client.resetAndDestroy())
        stalled.add(path)
      } else if (dice < 0.04) {
        count.stalls++
        stalled.add(path)
        path.client.write(bytes.subarray(0, Math.floor(random() * bytes.length)))
      } else if (dice < 0.042) {
        count.drips++
        dripping.add(path)
        drip.answer!(bytes, path)
      } else if (dice < 0.062) {
        count.swaps++
        const cut = secondHit(bytes)
        if (cut < 0) late.set(path, bytes)
        else path.client.write(Buffer.concat([bytes.subarray(cut), bytes.subarray(0, cut)]))
      } else path.client.write(bytes)
    },
  }
  return { fault, count }
}

/** Where a second hit begins in a chunk, in either protocol; -1 if there is none. */
function secondHit(bytes: Buffer): number {
  const frame = [bytes.indexOf('\x81\x1d', 1, 'latin1'), bytes.indexOf('\r\nVA ') + 2]
  return frame.find((at) => at > 1) ?? -1
}

interface Tally {
  commands: number
  failed: number
  readonly wrong: string[]
  longest: number
}

/**
 * One record after the other, each with one writer, so the expected answers are known until a
 * command fails. Then the record is read once, must show the state before or after that command,
 * and is not used again.
 */
async function visit(client: Client, name: string, tally: Tally, limit: number): Promise<void> {
  for (let record = 0; tally.commands < limit; record++) {
    const key = `${name}:${record}`
    let state: string | null = null
    let cas: Cas | undefined
    for (let step = 0; step < 12; step++) {
      const last = step === 11
      const reads = step % 3 === 2 && !last
      const next = last ? null : `${key} ${step} ${'x'.repeat((step * 97) % 900)}`
      const outcome = await timed<Hit | null | boolean | string>(tally, () => {
        if (reads) return read(client, key)
        if (next === null) return client.delete(key, cas)
        const bytes = Buffer.from(next)
        return cas ? client.replace(key, bytes, 60, cas) : client.add(key, bytes, 60)
      })
      if (outcome instanceof StoreError) {
        const possible = !reads && outcome.sent ? [state, next] : [state]
        const found = await timed(tally, () => read(client, key))
        if (!(found instanceof StoreError) && !possible.includes(textOf(found))) {
          tally.wrong.push(`${key} after ${outcome.message}: ${textOf(found)?.slice(0, 40)}`)
        }
        break
      }
      if (typeof outcome === 'object') {
        if (textOf(outcome) !== state) tally.wrong.push(`${key}: ${textOf(outcome)?.slice(0, 40)}`)
        cas = outcome?.cas
        continue
      }
      if (outcome !== true && outcome !== 'saved' && outcome !== 'deleted') {
        tally.wrong.push(`${key} step ${step}: ${outcome}`)
      }
      state = next
      const hit = await timed(tally, () => read(client, key))
      if (hit instanceof StoreError) break
      if (textOf(hit) !== state) tally.wrong.push(`${key}: ${textOf(hit)?.slice(0, 40)}`)
      cas = hit?.cas
    }
  }
}

const read = (client: Client, key: string) => client.get(key, 60)
const textOf = (hit: Hit | null) => hit && Buffer.from(hit.value).toString()

/** The result or the `StoreError`. Records calls that took too long. */
async function timed<result>(
  tally: Tally,
  run: () => Promise<result>,
): Promise<result | StoreError> {
  tally.commands++
  const start = awake()
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    tally.failed++
    return error
  } finally {
    tally.longest = Math.max(tally.longest, awake() - start)
  }
}

/** The generator mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
