import { execFile } from 'node:child_process'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Queue } from '../src/link/queue.ts'
import type { Pending } from '../src/link/queue.ts'
import { readConnectionOptions } from '../src/link/connection-options.ts'
import { createBinaryClient, openBinaryConnection } from '../src/protocol/binary-client.ts'
import { BinaryCommand, opcodes } from '../src/protocol/binary-codec.ts'
import { createMetaClient, openMetaConnection } from '../src/protocol/meta-client.ts'
import { MetaCommand } from '../src/protocol/meta-codec.ts'
import { answer, commands } from './binary-frames.ts'
import { startFakeServer } from './fake-server.ts'
import { awake, patient } from './patience.ts'

const host = '127.0.0.1'
const value = (text: string) => new TextEncoder().encode(text)

let memcached: MemcachedProcess
beforeAll(async () => {
  memcached = await startMemcached({ trace: false })
})
afterAll(() => memcached.kill())
afterEach(() => vi.restoreAllMocks())

describe.each([
  ['binary', createBinaryClient],
  ['meta', createMetaClient],
] as const)('a connection that speaks %s', (protocol, createClient) => {
  const open = (first: number) => {
    const settings = readConnectionOptions({ ...patient, host, port: memcached.port })
    if (protocol === 'binary') {
      const connection = openBinaryConnection(settings, first)
      const get = (key: string) =>
        connection.submit(
          new BinaryCommand({ opcode: opcodes.get, key }, (frame) => [
            frame.opaque,
            String(frame.bytes.subarray(frame.value, frame.end)),
          ]),
        )
      return { get, close: () => connection.close() }
    }
    const connection = openMetaConnection(settings, first)
    const get = (key: string) =>
      connection.submit(
        new MetaCommand(`mg ${key} v`, undefined, undefined, (reply) => [
          reply.opaque,
          String(reply.bytes.subarray(reply.valueStart, reply.valueEnd)),
        ]),
      )
    return { get, close: () => connection.close() }
  }

  test.each([2 ** 31, 2 ** 32])('counts over %d without notice', async (limit) => {
    const keys = Array.from({ length: 40 }, (_, at) => `${limit}:${at}`)
    await Promise.all(keys.map((key) => memcached.rawSet(key, value(key))))
    const connection = open(limit - 20)
    const answers = await Promise.all(keys.map((key) => connection.get(key)))
    const numbers = keys.map((_, at) => (limit - 20 + at) % 2 ** 32)
    expect(answers).toEqual(keys.map((key, at) => [numbers[at], key]))
    connection.close()
  })

  test('begins to count at a number that cannot be guessed', async () => {
    const firsts = new Set<unknown>()
    const settings = readConnectionOptions({ ...patient, host, port: memcached.port })
    for (let at = 0; at < 5; at++) {
      if (protocol === 'binary') {
        const connection = openBinaryConnection(settings)
        const noop = new BinaryCommand({ opcode: opcodes.noop }, (frame) => frame.opaque)
        firsts.add(await connection.submit(noop))
        connection.close()
      } else {
        const connection = openMetaConnection(settings)
        const read = (reply: { opaque: number | undefined }) => reply.opaque
        firsts.add(await connection.submit(new MetaCommand('mg a', undefined, undefined, read)))
        connection.close()
      }
    }
    expect(firsts.size).toBeGreaterThan(1)
  })

  test.each([2n ** 53n + 1n, 2n ** 63n + 1n, 2n ** 64n - 1n])(
    'S85: gives a cas of %d back as it came',
    async (cas) => {
      const given: bigint[] = []
      const server = await startFakeServer((socket) => {
        socket.on('data', (bytes: Buffer) => {
          if (protocol === 'meta') {
            const number = /O\d+/.exec(String(bytes))![0]
            const [, own] = /^cas key 0 60 1 (\d+)\r\n/.exec(String(bytes)) ?? []
            if (own === undefined) return socket.write(`VA 1 c${cas} ${number}\r\nx\r\n`)
            given.push(BigInt(own))
            return socket.write(`STORED\r\nEN ${number}\r\n`)
          }
          const one = { opcode: bytes[1]!, opaque: bytes.readUInt32BE(12), key: 'key' }
          if (one.opcode === opcodes.replace) given.push(bytes.readBigUInt64BE(16))
          const frame = answer(one, one.opcode === opcodes.replace ? undefined : Buffer.from('x'))
          frame.writeBigUInt64BE(cas, 16)
          return socket.write(frame)
        })
      })
      const client = createClient({ host, port: server.port, deadline: 5000 })
      const hit = (await client.get('key'))!
      expect(await client.replace('key', Uint8Array.of(1), 60, hit.cas)).toBe('saved')
      expect(given).toEqual([cas])
      client.close()
      await server.close()
    },
  )

  test('sends all commands of a turn in one write', async () => {
    const client = createClient({ ...patient, host, port: memcached.port })
    await client.check()
    const write = vi.spyOn(Socket.prototype, 'write')
    await Promise.all(Array.from({ length: 100 }, (_, at) => client.get(`key:${at}`, 60)))
    expect(write).toHaveBeenCalledTimes(1)
    client.close()
  })

  test('collects commands in one write while it connects', async () => {
    const client = createClient({ ...patient, host, port: memcached.port })
    const write = vi.spyOn(Socket.prototype, 'write')
    const adding = client.add(`${protocol}:early`, value('a'), 60)
    await Promise.resolve()
    await Promise.all([adding, client.get('late'), client.check()])
    expect(write).toHaveBeenCalledTimes(1)
    client.close()
  })

  test('refuses more commands than it may have in flight', async () => {
    const client = createClient({ ...patient, host, port: memcached.port, maxInFlight: 10 })
    const calls = Array.from({ length: 12 }, () => client.get('key'))
    const settled = await Promise.allSettled(calls)
    expect(settled.filter((call) => call.status === 'fulfilled')).toHaveLength(10)
    expect(settled.at(-1)).toMatchObject({ reason: { code: 'overloaded', sent: false } })
    expect(await client.get('key')).toBeNull()
    client.close()
  })

  test('refuses more bytes than may wait for a server that does not read', async () => {
    const deaf = await startFakeServer((socket) => socket.pause())
    const options = { deadline: 200, maxQueuedBytes: 1_000_000 }
    const client = createClient({ host, port: deaf.port, ...options })
    const calls = Array.from({ length: 200 }, async (_, at) => {
      await sleep(at / 4)
      return client.add(`key:${at}`, new Uint8Array(100_000), 60)
    })
    const settled = await Promise.allSettled(calls)
    const reasons = settled.map((call) => (call.status === 'rejected' ? call.reason : call))
    const refused = reasons.filter((reason) => reason.code === 'overloaded')
    expect(refused.length).toBeGreaterThan(50)
    expect(refused.every((reason) => reason.sent === false)).toBe(true)
    client.close()
    await deaf.close()
  })

  test('tells what was sent from what was not', async () => {
    const silent = await startFakeServer(() => {})
    const client = createClient({ ...patient, host, port: silent.port })
    const first = client.get('first')
    for (let tries = 0; tries < 1000 && silent.open() === 0; tries++) await sleep(1)
    await sleep(5)
    const second = client.get('second')
    client.close()
    await expect(first).rejects.toMatchObject({ code: 'unavailable', sent: true })
    await expect(second).rejects.toMatchObject({ code: 'unavailable', sent: false })
    await silent.close()
  })

  test('keeps to itself what the socket cannot take yet', async () => {
    const deaf = await startFakeServer((socket) => socket.pause())
    const client = createClient({ host, port: deaf.port, deadline: 5000 })
    const large = Array.from({ length: 14 }, () =>
      client.add('large', new Uint8Array(1_000_000), 60),
    )
    const sent = Promise.allSettled(large)
    for (let tries = 0; tries < 1000 && deaf.open() === 0; tries++) await sleep(1)
    await sleep(20)
    const late = client.get('late')
    await sleep(20)
    client.close()
    await expect(late).rejects.toMatchObject({ code: 'unavailable', sent: false })
    expect((await sent)[0]).toMatchObject({ reason: { code: 'unavailable', sent: true } })
    await deaf.close()
  })

  test('believes an answer that came in time though we were too busy to read it', async () => {
    const client = createClient({ host, port: memcached.port, deadline: 500 })
    await client.check()
    const connect = vi.spyOn(Socket.prototype, 'connect')
    const call = client.get('nothing')
    await new Promise(setImmediate)
    const end = performance.now() + 800
    while (performance.now() < end);
    expect(await call).toBeNull()
    await sleep(20)
    await client.check()
    expect(connect).not.toHaveBeenCalled()
    client.close()
  })

  test('sets no timer of negative length after a stall', async () => {
    const answerToFirst =
      protocol === 'binary'
        ? `Buffer.concat([Buffer.from([0x81, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
            bytes.subarray(12, 16), Buffer.alloc(8)])`
        : '`EN O${/O([0-9]+)/.exec(bytes)[1]}\\r\\n`'
    const script = `
      import { createServer } from 'node:net'
      import { ${createClient.name} } from '../src/protocol/${protocol}-client.ts'
      const server = createServer((socket) => socket.once('data', (bytes) => {
        socket.write(${answerToFirst})
        for (const end = performance.now() + 800; performance.now() < end;);
      }))
      server.listen(0, '${host}', async () => {
        const client = ${createClient.name}({ host: '${host}', port: server.address().port, deadline: 500 })
        const calls = ['first', 'second'].map((key) => client.get(key).catch(({ code }) => code))
        console.log(await Promise.all(calls))
        process.exit()
      })
    `
    const args = ['--input-type=module', '-e', script]
    const run = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })
    expect(run).toEqual({ stdout: "[ null, 'unavailable' ]\n", stderr: '' })
  })

  test('keeps its deadline while other commands go on', async () => {
    const silent = await startFakeServer(() => {})
    const client = createClient({ host, port: silent.port, deadline: 100 })
    const start = performance.now()
    const took: number[] = []
    for (let at = 0; at < 30; at++) {
      const begun = awake()
      client.get(`key:${at}`).catch(() => took.push(awake() - begun))
      await sleep(10)
    }
    while (took.length < 30) await sleep(5)
    expect(Math.max(...took)).toBeLessThan(100 + 50)
    expect(performance.now() - start).toBeGreaterThan(300)
    client.close()
    await silent.close()
  })

  test('is not used again after an answer to no question', async () => {
    const surplus = protocol === 'binary' ? Buffer.from([0x81]) : Buffer.from('HD O1\r\n')
    const answer = protocol === 'binary' ? Buffer.concat([surplus, Buffer.alloc(23)]) : surplus
    const server = await startFakeServer((socket, nth) => void (nth === 1 && socket.write(answer)))
    const client = createClient({ host, port: server.port, deadline: 50 })
    await expect(client.get('a')).rejects.toMatchObject({ name: 'StoreError' })
    await expect(client.get('a')).rejects.toMatchObject({ name: 'StoreError' })
    expect(server.accepted()).toBe(2)
    client.close()
    await server.close()
  })

  test('lets the process end while nothing is in flight, and not before', async () => {
    const file = new URL(`../src/protocol/${protocol}-client.ts`, import.meta.url)
    const script = `
      import { ${createClient.name} } from ${JSON.stringify(file)}
      const client = ${createClient.name}({ host: '${host}', port: ${memcached.port}, deadline: 9000 })
      console.log('added', await client.add('${protocol}:exit', new Uint8Array(3), 60))
      setTimeout(() => client.get('${protocol}:exit').then(() => console.log('read')), 100)
    `
    const args = ['--input-type=module', '-e', script]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 })
    expect(stdout).toBe('added true\nread\n')
  })
})

describe('a connection that is slow to open', () => {
  test('does not send what has expired meanwhile', async () => {
    const keys: string[] = []
    const server = await startFakeServer((socket) => {
      commands(socket, (asked) => {
        for (const one of asked) {
          keys.push(one.key)
          setTimeout(() => socket.write(answer(one)), one.opcode === opcodes.login ? 700 : 0)
        }
      })
    })
    const login = { username: 'joe', password: 'secret' }
    const options = { host, port: server.port, deadline: 500, connectDeadline: 5000, ...login }
    const client = createBinaryClient(options)
    const expired = { code: 'unavailable', sent: false }
    const early = ['a', 'bb', 'ccc'].map((key) => client.add(key, value(key), 60))
    for (const call of early) await expect(call).rejects.toMatchObject(expired)
    expect(await client.add('later', value('later'), 60)).toBe(true)
    expect(keys).toEqual(['PLAIN', 'later'])
    expect(server.accepted()).toBe(1)
    client.close()
    await server.close()
  })
})

describe('a queue', () => {
  test('lets go of what has been settled', () => {
    const queue = new Queue<unknown>()
    const pending = () => ({ next: undefined }) as unknown as Pending<unknown>
    const [first, second] = [pending(), pending()]
    queue.push(first)
    queue.push(second)
    queue.shift()
    expect(first.next).toBeUndefined()
    expect(queue.head).toBe(second)
  })
})

describe('options', () => {
  test('that are wrong are refused at once, by name', () => {
    const refusal = (name: string) =>
      expect.objectContaining({
        code: 'invalid-option',
        message: expect.stringContaining(name),
      })
    const wrong: [string, object][] = [
      ['port', { port: 0 }],
      ['port', { port: 70_000 }],
      ['host', { host: '' }],
      ['path', { path: '' }],
      ['deadline', { deadline: 0 }],
      ['connectDeadline', { connectDeadline: Number.NaN }],
      ['maxInFlight', { maxInFlight: -1 }],
      ['maxQueuedBytes', { maxQueuedBytes: 2 ** 31 }],
      ['maxValueBytes', { maxValueBytes: Number.POSITIVE_INFINITY }],
      ['username', { username: 'joe' }],
      ['username', { username: 'joe', password: 'a\0b' }],
    ]
    for (const [name, options] of wrong) {
      const create = () => createBinaryClient({ host, port: 1, ...options })
      expect(create).toThrow(refusal(name))
    }
  })
})
