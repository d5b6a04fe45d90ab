import { execFile } from 'node:child_process'
import { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import memjs from 'memjs'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { answer, commands } from './binary-frames.ts'
import { patient } from './patience.ts'
import { closeAll, closedLater, ending, fake, ours, stock } from './stock-memjs.ts'
import type { StockOptions } from './stock-memjs.ts'

/* Like fault-memjs-connection.test.ts, for the defects of memjs outside its connections. */

const host = '127.0.0.1'
const slow = { timeout: 20, conntimeout: 20 }

let memcached: MemcachedProcess
beforeAll(async () => {
  memcached = await startMemcached({ trace: false })
})
afterAll(() => memcached.kill())
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

afterEach(closeAll)

describe('defect 6: numbers that turn negative', () => {
  test('stock: no command works after 2^31', async () => {
    const client = stock(memcached.port, slow)
    ;(client as { seq: number }).seq = 2 ** 31 - 2
    await client.get('key')
    await expect(client.get('key')).rejects.toThrow(RangeError)
    await expect(client.get('key')).rejects.toThrow(RangeError)
  })

  // Our counter beyond 2^31 and 2^32 is tested in connection.test.ts.
  test('ours: begins anywhere below 2^32, and goes on', async () => {
    const client = ours(memcached.port, patient)
    for (let at = 0; at < 5; at++) expect(await client.get('key')).toBeNull()
    client.close()
  })
})

describe('defect 8: another server takes over', () => {
  test('stock: what one server forgot the other never learns', async () => {
    const gone = await fake(() => {})
    await gone.close()
    const options = { failover: true, retries: 1, logger: { log() {} } }
    const both = `${host}:${gone.port},${host}:${memcached.port}`
    const client = closedLater(memjs.Client.create(both, options))
    const keys = Array.from({ length: 16 }, (_, at) => `failover:${at}`)
    const mine = keys.filter((key) => client.server(key)?.port === gone.port)
    for (const key of mine) await client.set(key, 'elsewhere').catch(() => {})
    for (const key of mine) await client.set(key, 'elsewhere').catch(() => {})
    const stored = await Promise.all(mine.map((key) => memcached.rawGet(key)))
    expect(stored.map(String)).toContain('elsewhere')
  })

  test('ours: a client has one server', async () => {
    const gone = await fake(() => {})
    await gone.close()
    const client = ours(gone.port)
    for (let at = 0; at < 3; at++) {
      await expect(client.delete('key')).rejects.toMatchObject({ code: 'unavailable', sent: false })
    }
    client.close()
  })
})

describe('defect 11: one bad key fails the commands of all', () => {
  const keys = Array.from({ length: 100 }, (_, at) => `key:${at}`)
  keys[50] = 'k'.repeat(251)

  test('stock: others fail with it', async () => {
    const client = stock(memcached.port, slow)
    const endings = await Promise.all(keys.map((key) => ending(client.get(key))))
    expect(endings.filter((end) => end !== 'resolved').length).toBeGreaterThan(1)
  })

  test('ours: it fails alone', async () => {
    const client = ours(memcached.port, patient)
    const endings = await Promise.all(keys.map((key) => ending(client.get(key), 20_000)))
    expect(endings.filter((end) => end !== 'resolved')).toEqual(['rejected'])
    client.close()
  })
})

describe('defect 14: errors that are no errors', () => {
  const refuses = () =>
    fake((socket) => {
      commands(socket, (asked) => {
        for (const one of asked) {
          socket.write(answer(one, undefined, one.opcode === 0x21 ? 0x20 : 0))
        }
      })
    })
  const login = { username: 'joe', password: 'wrong' }

  test('stock: a refused login rejects with a string', async () => {
    const client = stock((await refuses()).port, login)
    const reason = await client.get('key').catch((error: unknown) => error)
    expect(typeof reason).toBe('string')
  })

  test('ours: it rejects with a StoreError that says so', async () => {
    const client = ours((await refuses()).port, login)
    await expect(client.get('key')).rejects.toMatchObject({ name: 'StoreError', code: 'auth' })
    client.close()
  })
})

describe('defect 15: settings that the app did not make', () => {
  const logsIn = async () => {
    const opcodes: number[] = []
    const server = await fake((socket) => {
      commands(socket, (asked) => {
        opcodes.push(...asked.map((one) => one.opcode))
        for (const one of asked) socket.write(answer(one, undefined, 1))
      })
    })
    return { server, opcodes }
  }

  test('stock: the environment turns a login on', async () => {
    vi.stubEnv('MEMCACHE_USERNAME', 'joe').stubEnv('MEMCACHE_PASSWORD', 'secret')
    const { server, opcodes } = await logsIn()
    await ending(stock(server.port).get('key'))
    expect(opcodes[0]).toBe(0x20)
  })

  test('ours: it does not', async () => {
    vi.stubEnv('MEMCACHE_USERNAME', 'joe').stubEnv('MEMCACHE_PASSWORD', 'secret')
    const { server, opcodes } = await logsIn()
    const client = ours(server.port)
    expect(await client.get('key')).toBeNull()
    expect(opcodes).toEqual([0x00])
    client.close()
  })
})

describe('defect 16: no TLS', () => {
  const firstByte = async () => {
    const { promise, resolve } = Promise.withResolvers<number>()
    const server = await fake((socket) => {
      socket.once('data', (bytes: Buffer) => resolve(bytes[0]!))
    })
    return { server, promise }
  }

  test('stock: commands are sent in the clear', async () => {
    const { server, promise } = await firstByte()
    const client = stock(server.port, { tls: {} } as StockOptions)
    await ending(client.get('key'))
    expect(await promise).toBe(0x80)
  })

  // TLS with real certificates is tested in tls-and-login.test.ts.
  test('ours: nothing is sent before the handshake', async () => {
    const { server, promise } = await firstByte()
    const client = ours(server.port, { tls: true })
    await ending(client.get('key'))
    expect(await promise).toBe(0x16)
    client.close()
  })
})

describe('defect 17: a process that cannot end, a close that is none', () => {
  const run = async (script: string, timeout: number) => {
    const args = ['--input-type=module', '-e', script]
    const options = { timeout, killSignal: 'SIGKILL', cwd: import.meta.dirname } as const
    return promisify(execFile)(process.execPath, args, options).then(
      () => 'ended',
      (error: { killed: boolean }) => (error.killed ? 'did not end' : 'failed'),
    )
  }

  test('stock: an idle client keeps the process up', async () => {
    const script = `
      import memjs from 'memjs'
      await memjs.Client.create('${host}:${memcached.port}').get('key')
    `
    expect(await run(script, 2000)).toBe('did not end')
  })

  test('ours: an idle client does not', async () => {
    const script = `
      import { createBinaryClient } from '../src/protocol/binary-client.ts'
      const options = { host: '${host}', port: ${memcached.port}, deadline: 9000 }
      await createBinaryClient(options).get('key')
    `
    expect(await run(script, 30_000)).toBe('ended')
  })

  test('stock: a closed client connects again', async () => {
    const client = stock(memcached.port, slow)
    await client.get('key')
    client.close()
    await sleep(20)
    expect(await ending(client.get('key'), 20_000)).toBe('resolved')
  })

  test('ours: closed is closed', async () => {
    const client = ours(memcached.port, patient)
    await client.get('key')
    client.close()
    expect(await ending(client.get('key'))).toBe('rejected')
  })
})

describe('defect 18: a write that fails removes the record', () => {
  const tooLarge = new Uint8Array(1_100_000)

  test('stock: set', async () => {
    const client = stock(memcached.port, { timeout: 20 })
    await client.set('large:stock', 'here')
    await client.set('large:stock', Buffer.from(tooLarge)).catch(() => {})
    expect(await memcached.rawGet('large:stock')).toBeNull()
  })

  test('ours: replace keeps it', async () => {
    const client = ours(memcached.port, { maxValueBytes: 2_000_000, ...patient })
    await client.add('large:ours', Buffer.from('here'), 60)
    const { cas } = (await client.get('large:ours'))!
    const refusal = { code: 'too-large' }
    await expect(client.replace('large:ours', tooLarge, 60, cas)).rejects.toMatchObject(refusal)
    expect(String(await memcached.rawGet('large:ours'))).toBe('here')
    client.close()
  })
})

describe('defect 19: work and memory that grow with the load', () => {
  const writes = async (get: (key: string) => Promise<unknown>) => {
    await get('warm')
    const write = vi.spyOn(Socket.prototype, 'write')
    await Promise.all(Array.from({ length: 100 }, (_, at) => get(`key:${at}`)))
    return write.mock.calls.length
  }

  test('stock: one write for each command', async () => {
    const client = stock(memcached.port, slow)
    expect(await writes((key) => client.get(key))).toBe(100)
  })

  test('ours: one write for all of a turn', async () => {
    const client = ours(memcached.port, patient)
    expect(await writes((key) => client.get(key))).toBe(1)
    client.close()
  })

  test('ours: a short value does not hold on to what came with it', async () => {
    const client = ours(memcached.port, patient)
    await client.add('short', new Uint8Array(40), 60)
    const { value } = (await client.get('short'))!
    expect(value.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize)
    client.close()
  })
})
