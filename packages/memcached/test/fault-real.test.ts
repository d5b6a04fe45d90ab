import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { describe, expect, test } from 'vitest'
import { createBinaryClient } from '../src/protocol/binary-client.ts'
import type { Cas, Client } from '../src/protocol/client.ts'
import { createMetaClient } from '../src/protocol/meta-client.ts'
import { endings } from './fault-cell.ts'
import { awake, patient, patiently } from './patience.ts'

const host = '127.0.0.1'
const deadline = 100

describe.each([
  ['binary', createBinaryClient],
  ['meta', createMetaClient],
] as const)('with a real memcached, the %s protocol', (_protocol, createClient) => {
  test.each([300, 3000])('comes back by itself from %d ms of silence', async (silence) => {
    const memcached = await startMemcached({ trace: false })
    const client = createClient({ host, port: memcached.port, deadline })
    const { calls } = await prepare(client)
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
    memcached.pause()
    ask(200)
    await askFor(silence)
    memcached.resume()
    await askFor(50)

    const ends = await Promise.all(settled)
    expect(new Set(ends.map(({ result }) => result))).toEqual(new Set(['right', 'unavailable']))
    expect(Math.max(...ends.map(({ took }) => took))).toBeLessThan(deadline + 50)
    for (const call of Object.values(calls)) expect(await patiently(call)).toBe('right')
    client.close()
    await memcached.kill()
  })

  test('fails 200 commands of each kind at once when it is killed, and goes on after', async () => {
    const memcached = await startMemcached({ trace: false })
    const client = createClient({ host, port: memcached.port, ...patient })
    for (const operation of operations) {
      const { calls } = await prepare(client)
      memcached.pause()
      const settled = Promise.allSettled(Array.from({ length: 200 }, calls[operation]))
      await new Promise(setImmediate)
      await memcached.kill()
      const start = awake()
      expect(endings(await settled)).toEqual(['unavailable, sent'])
      expect(endings(await Promise.allSettled([calls[operation]()]))).toEqual([
        'unavailable, not sent',
      ])
      expect(awake() - start).toBeLessThan(10_000)
      await memcached.restart()
      expect(await client.get('key')).toBeNull()
    }
    client.close()
    await memcached.kill()
  })

  test('connects to a server that was killed and restarted while nothing was asked', async () => {
    const memcached = await startMemcached({ trace: false })
    const client = createClient({ host, port: memcached.port, deadline: 5000 })
    await client.check()
    await memcached.restart()
    await patiently(() => client.check())
    const { calls } = await prepare(client)
    for (const operation of operations) expect(await calls[operation]()).toBe('right')
    client.close()
    await memcached.kill()
  })

  test('has sent nothing to a server that swallows connections', async () => {
    const memcached = await startMemcached({ trace: false, args: ['-b', '1'] })
    const client = createClient({ host, port: memcached.port, deadline, connectDeadline: 60_000 })
    const waiting = await fillBacklog(memcached)
    for (const count of [1, 200]) {
      for (const operation of operations) {
        const { calls } = callsOf(client, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9))
        const start = awake()
        const settled = await Promise.allSettled(Array.from({ length: count }, calls[operation]))
        expect(awake() - start).toBeLessThan(deadline + 50)
        expect(endings(settled)).toEqual(['unavailable, not sent'])
      }
    }
    for (const socket of waiting) socket.destroy()
    memcached.resume()
    const next = createClient({ host, port: memcached.port, ...patient })
    expect(await next.get('key')).toBeNull()
    next.close()
    client.close()
    await memcached.kill()
  })

  test('says that the server is full when it is, and connects when there is room', async () => {
    const memcached = await startMemcached({ trace: false, threads: 1, args: ['-c', '20'] })
    const clients = Array.from({ length: 40 }, () => {
      return createClient({ host, port: memcached.port, ...patient })
    })
    const settled = await Promise.allSettled(clients.map((client) => client.get('key')))
    expect(endings(settled)).toEqual(['answered null', 'overloaded, not sent'])
    const last = clients.pop()!
    for (const client of clients) client.close()
    while ((await last.get('key').catch((error) => error.code)) === 'overloaded') await sleep(5)
    expect(await last.get('key')).toBeNull()
    last.close()
    await memcached.kill()
  })
})

const operations = ['get', 'add', 'replace', 'delete'] as const
let keys = 0

/** A record, and one command of each kind that checks its own answer. */
async function prepare(client: Client) {
  await patiently(() => client.delete('key'))
  await patiently(() => client.add('key', Buffer.alloc(1000, 7), 60))
  return callsOf(client, (await patiently(() => client.get('key')))!.cas)
}

function callsOf(client: Client, cas: Cas) {
  const other = cas.map((byte) => byte ^ 0x55)
  const is = (right: boolean) => (right ? 'right' : 'wrong')
  const calls = {
    get: () => client.get('key', 60).then((hit) => is(hit?.value[999] === 7)),
    add: () => client.add(`new:${++keys}`, Buffer.alloc(9), 60).then(is),
    replace: () =>
      client.replace('key', Buffer.alloc(9), 60, other).then((end) => is(end === 'conflict')),
    delete: () => client.delete('key', other).then((end) => is(end === 'conflict')),
  }
  return { calls }
}

/** Stops the server and connects until the kernel accepts no more connections for it. */
async function fillBacklog(memcached: MemcachedProcess): Promise<Socket[]> {
  memcached.pause()
  const sockets: Socket[] = []
  let unanswered = 0
  while (unanswered < 3) {
    const socket = connect(memcached.port, host).on('error', () => {})
    sockets.push(socket)
    for (let tries = 0; tries < 20 && socket.connecting; tries++) await sleep(10)
    if (socket.connecting) unanswered++
  }
  return sockets
}
