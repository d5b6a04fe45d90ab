import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import memjs from 'memjs'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseServers } from '../src/cluster/address.ts'
import { createBinaryClient } from '../src/protocol/binary-client.ts'
import { memcachedStore } from '../src/store/memcached-store.ts'
import { answer, commands } from './binary-frames.ts'
import { startFakeServer } from './fake-server.ts'
import { closeAll, closedLater, ending, stock } from './stock-memjs.ts'
import type { StockOptions } from './stock-memjs.ts'

/* Like fault-memjs-connection.test.ts, for how memjs handles its arguments. */

const host = '127.0.0.1'
const day = 86_400_000
const id = 'A'.repeat(43)
const bytes = Uint8Array.of(1, 2, 3)

let memcached: MemcachedProcess
beforeAll(async () => {
  memcached = await startMemcached({ trace: false })
})
afterAll(() => memcached.kill())

const slow = { timeout: 5, conntimeout: 5 }
afterEach(async () => {
  vi.restoreAllMocks()
  await closeAll()
  await memcached.flush()
})

describe('defect 12: an expiry that memcached takes for another', () => {
  const seconds = (days: number) => days * 86_400

  test('stock: 31 days are over at once, and NaN is for ever', async () => {
    const client = stock(memcached.port, slow)
    expect(await client.set('long', 'x', { expires: seconds(31) })).toBe(true)
    expect(await memcached.rawGet('long')).toBeNull()
    expect(await client.set('endless', 'x', { expires: Number.NaN })).toBe(true)
    expect(await memcached.ttl('endless')).toBe(-1)
  })

  test.each(['binary', 'meta'] as const)(
    'ours, %s: they are 31 days, and refused',
    async (protocol) => {
      const store = memcachedStore({ servers: memcached.address, deadline: 5000, protocol })
      expect(await store.create(id, bytes, Date.now() + 31 * day)).toBe(true)
      expect(await memcached.ttl(`coatcheck:${id}`)).toBeGreaterThan(seconds(31) - 60)
      await store.load(id, Date.now() + 40 * day)
      expect(await memcached.ttl(`coatcheck:${id}`)).toBeGreaterThan(seconds(40) - 60)
      for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
        await expect(store.create('B', bytes, wrong)).rejects.toMatchObject({ code: 'config' })
        await expect(store.load(id, wrong)).rejects.toMatchObject({ code: 'config' })
      }
      expect(await store.create('C', bytes, 0)).toBe(true)
      expect(await memcached.rawGet('coatcheck:C')).toBeNull()
      store.close()
    },
  )
})

describe('defect 13: what a caller throws runs into the connection', () => {
  /** The result of the next command, and the number of uncaught exceptions. */
  const run = async (script: string): Promise<string> => {
    const head = `
      let uncaught = 0
      process.on('uncaughtException', () => uncaught++)
      const thrower = () => { throw new Error('of the caller') }
      let said = 'nothing'
      process.on('exit', () => console.log(said, uncaught))
      const after = (next) => next.then(() => said = 'answer', () => said = 'failure')
        .then(() => process.exit())
    `
    const args = ['--input-type=module', '-e', head + script]
    const options = { cwd: import.meta.dirname }
    return (await promisify(execFile)(process.execPath, args, options)).stdout.trim()
  }

  test('stock: a callback that throws ends the process, and the next command has no answer', async () => {
    const said = await run(`
      import memjs from 'memjs'
      const options = { timeout: 1, retries: 1, logger: { log() {} } }
      const client = memjs.Client.create('${host}:${memcached.port}', options)
      await client.get('key')
      client.get('key', thrower)
      setTimeout(() => after(client.get('key')), 100)
    `)
    expect(said).toMatch(/^(nothing|failure) [1-9]/)
  })

  test('ours: it fails what the caller made of the answer, and nothing else', async () => {
    const said = await run(`
      import { createBinaryClient } from '../src/protocol/binary-client.ts'
      const client = createBinaryClient({ host: '${host}', port: ${memcached.port}, deadline: 5000 })
      await client.get('key')
      const thrown = client.get('key').then(thrower).catch(() => {})
      after(Promise.all([thrown, client.get('key')]))
    `)
    expect(said).toBe('answer 0')
  })
})

describe('defect 15: addresses that are read as others', () => {
  test.each([
    ['[::1]:11212', '[', 11_211],
    ['::1:11212', '', 11_211],
    ['joe:se@cret@cache:11212', 'cache', 11_212],
  ])('stock: %s', (address, hostOf, port) => {
    const [server] = memjs.Client.create(address).servers as unknown as ServerOfMemjs[]
    expect({
      host: server!.host,
      wrongPort: Number.isNaN(server!.port) || server!.port === port,
    }).toEqual({ host: hostOf, wrongPort: true })
    if (address.startsWith('joe')) expect(server!.password).not.toBe('se@cret')
  })

  test('ours: each as it is meant, or refused', () => {
    expect(parseServers('[::1]:11212')[0]?.endpoint).toEqual({ host: '::1', port: 11_212 })
    expect(() => parseServers('::1:11212')).toThrow('needs brackets')
    expect(() => parseServers('joe:se@cret@cache:11212')).toThrow(
      'credentials need the scheme memcached://',
    )
    const [server] = parseServers('memcached://joe:se%40cret@cache:11212')
    expect(server).toMatchObject({ username: 'joe', password: 'se@cret' })
  })
})

interface ServerOfMemjs {
  readonly host: string
  readonly port: number
  readonly password?: string
}

describe('defect 20: other surprises', () => {
  test('stock: prepend appends', async () => {
    const client = stock(memcached.port, slow)
    await client.set('key', 'abc')
    await (client as unknown as { prepend(key: string, value: string): Promise<boolean> }).prepend(
      'key',
      'x',
    )
    expect(String(await memcached.rawGet('key'))).toBe('abcx')
  })

  test('ours: the store sends get-and-touch, add, replace and delete, and nothing else', async () => {
    const opcodes = new Set<number>()
    const server = await startFakeServer((socket) => {
      commands(socket, (asked) => {
        for (const one of asked) {
          opcodes.add(one.opcode)
          socket.write(answer(one, one.opcode === 0x1d ? Buffer.from('value') : undefined))
        }
      })
    })
    const servers = `${host}:${server.port}`
    const store = memcachedStore({ servers, protocol: 'binary', deadline: 5000 })
    await store.create(id, bytes, Date.now() + day)
    const { version } = (await store.load(id, Date.now() + day))!
    await store.save(id, bytes, Date.now() + day, version)
    await store.delete(id, version)
    expect([...opcodes]).toEqual([0x02, 0x1d, 0x03, 0x04])
    store.close()
    await server.close()
  })

  test('stock: writes into the options it is given, and host names into the console', async () => {
    const options: StockOptions = { retries: 1, timeout: 0.1 }
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    const client = closedLater(memjs.Client.create(`${host}:1`, options))
    expect(Object.keys(options).length).toBeGreaterThan(2)
    await ending(client.get('key'), 5000)
    expect(String(log.mock.calls)).toContain(host)
  })

  test('ours: leaves the options alone, and says nothing', async () => {
    const said = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => {}),
    )
    const store = memcachedStore(Object.freeze({ servers: `${host}:1` }))
    await expect(store.load(id)).rejects.toMatchObject({ code: 'unavailable' })
    const client = createBinaryClient(Object.freeze({ host, port: 1 }))
    await expect(client.get('key')).rejects.toMatchObject({ code: 'unavailable' })
    for (const spy of said) expect(spy).not.toHaveBeenCalled()
    store.close()
    client.close()
  })
})
