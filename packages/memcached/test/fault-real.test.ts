import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type MemcachedProcess, startMemcached } from '@coatcheck/harness/memcached'
import { describe, expect, test } from 'vitest'
import { createBinaryWire } from '../src/protocol/binary-client.ts'
import { awake, endings, patient, patiently } from './fault-cell.ts'
import { createMetaWire } from '../src/protocol/meta-client.ts'
import type { Cas, Wire } from '../src/protocol/client.ts'

const host = '127.0.0.1'
const deadline = 100

describe.each([
  ['binary', createBinaryWire],
  ['meta', createMetaWire],
] as const)('with a real memcached, the %s protocol', (_protocol, createWire) => {
  test.each([300, 3000])('comes back by itself from %d ms of silence', async (silence) => {
    const node = await startMemcached({ trace: false })
    const wire = createWire({ host, port: node.port, deadline })
    const { calls } = await prepare(wire)
    const settled: Promise<{ took: number; result: string }>[] = []
    /** `count` commands of each operation. */
    const ask = (count: number) => {
      for (const call of Object.values(calls)) {
        for (let at = 0; at < count; at++) {
          const start = awake()
          const note = (result: string) => ({ took: awake() - start, result })
          settled.push(call().then(note, (error) => note(error.code)))
        }
      }
    }
    /** One of each, every 10 ms. */
    const askFor = async (milliseconds: number) => {
      for (const end = Date.now() + milliseconds; Date.now() < end; await sleep(10)) ask(1)
    }
    await askFor(50)
    node.pause()
    ask(200)
    await askFor(silence)
    node.resume()
    await askFor(50)

    const ends = await Promise.all(settled)
    expect(new Set(ends.map(({ result }) => result))).toEqual(new Set(['right', 'unavailable']))
    expect(Math.max(...ends.map(({ took }) => took))).toBeLessThan(deadline + 50)
    for (const call of Object.values(calls)) expect(await patiently(call)).toBe('right')
    wire.close()
    await node.kill()
  })

  test('fails 200 commands of each kind at once when it is killed, and goes on after', async () => {
    const node = await startMemcached({ trace: false })
    const wire = createWire({ host, port: node.port, ...patient })
    for (const operation of operations) {
      const { calls } = await prepare(wire)
      node.pause()
      const settled = Promise.allSettled(Array.from({ length: 200 }, calls[operation]))
      await new Promise(setImmediate)
      await node.kill()
      const start = awake()
      expect(endings(await settled)).toEqual(['unavailable, sent'])
      expect(endings(await Promise.allSettled([calls[operation]()]))).toEqual([
        'unavailable, not sent',
      ])
      expect(awake() - start).toBeLessThan(10_000)
      await node.restart()
      expect(await wire.get('key')).toBeNull()
    }
    wire.close()
    await node.kill()
  })

  test('connects to a node that was killed and restarted while nothing was asked', async () => {
    const node = await startMemcached({ trace: false })
    const wire = createWire({ host, port: node.port, deadline: 5000 })
    await wire.check()
    await node.restart()
    await patiently(() => wire.check())
    const { calls } = await prepare(wire)
    for (const operation of operations) expect(await calls[operation]()).toBe('right')
    wire.close()
    await node.kill()
  })

  test('has sent nothing to a node that swallows connections', async () => {
    const node = await startMemcached({ trace: false, args: ['-b', '1'] })
    const wire = createWire({ host, port: node.port, deadline, connectDeadline: 60_000 })
    const waiting = await fillBacklog(node)
    for (const count of [1, 200]) {
      for (const operation of operations) {
        const { calls } = callsOf(wire, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9))
        const start = awake()
        const settled = await Promise.allSettled(Array.from({ length: count }, calls[operation]))
        expect(awake() - start).toBeLessThan(deadline + 50)
        expect(endings(settled)).toEqual(['unavailable, not sent'])
      }
    }
    for (const socket of waiting) socket.destroy()
    node.resume()
    const next = createWire({ host, port: node.port, ...patient })
    expect(await next.get('key')).toBeNull()
    next.close()
    wire.close()
    await node.kill()
  })

  test('says that the node is full when it is, and connects when there is room', async () => {
    const node = await startMemcached({ trace: false, threads: 1, args: ['-c', '20'] })
    const wires = Array.from({ length: 40 }, () => {
      return createWire({ host, port: node.port, ...patient })
    })
    const settled = await Promise.allSettled(wires.map((wire) => wire.get('key')))
    expect(endings(settled)).toEqual(['answered null', 'overloaded, not sent'])
    const last = wires.pop()!
    for (const wire of wires) wire.close()
    while ((await last.get('key').catch((error) => error.code)) === 'overloaded') await sleep(5)
    expect(await last.get('key')).toBeNull()
    last.close()
    await node.kill()
  })
})

const operations = ['get', 'add', 'replace', 'delete'] as const
let keys = 0

/** A record, and a command of each kind that says whether its answer is the right one. */
async function prepare(wire: Wire) {
  await patiently(() => wire.delete('key'))
  await patiently(() => wire.add('key', Buffer.alloc(1000, 7), 60))
  return callsOf(wire, (await patiently(() => wire.get('key')))!.cas)
}

function callsOf(wire: Wire, cas: Cas) {
  const other = cas.map((byte) => byte ^ 0x55)
  const is = (right: boolean) => (right ? 'right' : 'wrong')
  const calls = {
    get: () => wire.get('key', 60).then((hit) => is(hit?.value[999] === 7)),
    add: () => wire.add(`new:${++keys}`, Buffer.alloc(9), 60).then(is),
    replace: () =>
      wire.replace('key', Buffer.alloc(9), 60, other).then((end) => is(end === 'conflict')),
    delete: () => wire.delete('key', other).then((end) => is(end === 'conflict')),
  }
  return { calls }
}

/** Stops the node, and connects until the kernel takes no connection for it any more. */
async function fillBacklog(node: MemcachedProcess): Promise<Socket[]> {
  node.pause()
  const sockets: Socket[] = []
  let unanswered = 0
  while (unanswered < 3) {
    const socket = connect(node.port, host).on('error', () => {})
    sockets.push(socket)
    for (let tries = 0; tries < 20 && socket.connecting; tries++) await sleep(10)
    if (socket.connecting) unanswered++
  }
  return sockets
}
