import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached } from '@coatcheck/testkit/memcached'
import { describe, expect, test } from 'vitest'
import { createBinaryWire } from './binary-wire.ts'
import { measureLateness } from './fake-server-cell.ts'
import { createMetaWire } from './meta-wire.ts'
import type { Wire } from './wire.ts'

const host = '127.0.0.1'
const deadline = 100

describe.each([
  ['binary', createBinaryWire],
  ['meta', createMetaWire],
] as const)('with a real memcached, the %s protocol', (_protocol, createWire) => {
  /** One read every 10 ms while `during` lasts; how long each took, and what became of it. */
  const watch = async (wire: Wire, during: Promise<unknown>) => {
    let over = false
    void during.then(() => (over = true))
    const calls: Promise<{ took: number; result: string }>[] = []
    while (!over) {
      const start = performance.now()
      const took = (result: string) => ({ took: performance.now() - start, result })
      calls.push(wire.get('key', 60).then(() => took('ok'), (error) => took(error.code)))
      await sleep(10)
    }
    return Promise.all(calls)
  }

  test.each([300, 3000])('comes back by itself from %d ms of silence', async (silence) => {
    const node = await startMemcached({ trace: false })
    const wire = createWire({ host, port: node.port, deadline })
    await wire.add('key', new Uint8Array(1000), 60)
    const stretch = async () => {
      await sleep(50)
      node.pause()
      await sleep(silence)
      node.resume()
      await sleep(50)
    }
    const lateness = measureLateness()
    const calls = await watch(wire, stretch())
    expect(new Set(calls.map((call) => call.result))).toEqual(new Set(['ok', 'unavailable']))
    const longest = Math.max(...calls.map((call) => call.took)) - lateness()
    expect(longest).toBeLessThan(deadline + 50)
    expect(await wire.get('key')).toMatchObject({ value: Buffer.alloc(1000) })
    wire.close()
    await node.kill()
  })

  test('fails 200 commands at once when it is killed, and goes on after a restart', async () => {
    const node = await startMemcached({ trace: false })
    const wire = createWire({ host, port: node.port, deadline: 2000 })
    await wire.check()
    node.pause()
    const reading = Array.from({ length: 200 }, (_, at) => wire.get(`key:${at}`, 60))
    const settled = Promise.allSettled(reading)
    await sleep(20)
    const start = performance.now()
    await node.kill()
    const calls = await settled
    expect(performance.now() - start).toBeLessThan(1000)
    for (const call of calls) {
      expect(call).toMatchObject({ reason: { code: 'unavailable', sent: true } })
    }
    await expect(wire.get('key')).rejects.toMatchObject({ code: 'unavailable', sent: false })
    await node.restart()
    expect(await wire.get('key')).toBeNull()
    wire.close()
    await node.kill()
  })

  test('says that the node is full when it is, and connects when there is room', async () => {
    const node = await startMemcached({ trace: false, threads: 1, args: ['-c', '20'] })
    const wires = Array.from({ length: 40 }, () => createWire({ host, port: node.port, deadline }))
    const settled = await Promise.allSettled(wires.map((wire) => wire.get('key')))
    const refused = settled.filter((call) => call.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: 'overloaded', sent: false })
    }
    const last = wires.pop()!
    for (const wire of wires) wire.close()
    await sleep(20)
    expect(await last.get('key')).toBeNull()
    last.close()
    await node.kill()
  })
})
