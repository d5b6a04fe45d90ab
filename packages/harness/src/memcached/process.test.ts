import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CommandCounts, MemcachedProcess } from './process.ts'
import { commandCount, startMemcached } from './process.ts'

const opcode = { get: 0x00, add: 0x02, replace: 0x03, delete: 0x04, version: 0x0b, gat: 0x1d }

describe('startMemcached', () => {
  let memcached: MemcachedProcess
  let client: Socket

  beforeAll(async () => {
    memcached = await startMemcached()
    client = connect(memcached.port, '127.0.0.1')
  })
  afterAll(async () => {
    client.destroy()
    await memcached.stop()
  })
  beforeEach(() => memcached.flush())

  /** Sends one frame of the binary protocol. Resolves with the status and cas of the answer. */
  async function send(op: number, key: string, parts: Partial<Parts> = {}): Promise<Answer> {
    const { extras = [], value = Buffer.alloc(0), cas = Buffer.alloc(8) } = parts
    const body = Buffer.concat([Buffer.alloc(4 * extras.length), Buffer.from(key), value])
    extras.forEach((number, index) => body.writeUInt32BE(number, 4 * index))
    const header = Buffer.alloc(24)
    header.set([0x80, op, 0, key.length, 4 * extras.length])
    header.writeUInt32BE(body.length, 8)
    header.set(cas, 16)
    client.write(Buffer.concat([header, body]))
    const [answer] = (await once(client, 'data')) as [Buffer]
    return { status: answer.readUInt16BE(6), cas: answer.subarray(16, 24) }
  }

  async function counted(run: () => Promise<Answer>): Promise<[number, Partial<CommandCounts>]> {
    const before = await memcached.commands()
    const { status } = await run()
    const after = await memcached.commands()
    expect(commandCount(before, after)).toBe(1)
    const names = Object.keys(after) as (keyof CommandCounts)[]
    const moved = names.filter((name) => name !== 'total' && after[name] !== before[name])
    return [status, Object.fromEntries(moved.map((name) => [name, after[name] - before[name]]))]
  }

  const stored = { extras: [0, 100], value: Buffer.from('coat') }

  it('counts every read as one command, hit or miss', async () => {
    expect(await counted(() => send(opcode.get, 'k'))).toEqual([1, { get: 1 }])
    expect(await counted(() => send(opcode.gat, 'k', { extras: [9] }))).toEqual([1, { touch: 1 }])
    await send(opcode.add, 'k', stored)
    expect(await counted(() => send(opcode.get, 'k'))).toEqual([0, { get: 1 }])
    expect(await counted(() => send(opcode.gat, 'k', { extras: [9] }))).toEqual([0, { touch: 1 }])
  })

  it('counts every write as one command, whatever the outcome', async () => {
    expect(await counted(() => send(opcode.add, 'k', stored))).toEqual([0, { set: 1 }])
    expect(await counted(() => send(opcode.add, 'k', stored))).toEqual([2, { set: 1 }])
    const { cas } = await send(opcode.get, 'k')
    const replace = (key: string) => () => send(opcode.replace, key, { ...stored, cas })
    expect(await counted(replace('k'))).toEqual([0, { set: 1, casHits: 1 }])
    expect(await counted(replace('k'))).toEqual([2, { set: 1, casStale: 1 }])
    expect(await counted(replace('none'))).toEqual([1, { set: 1, casMisses: 1 }])
    const large = { extras: [0, 100], value: Buffer.alloc(1 << 20) }
    expect(await counted(() => send(opcode.add, 'large', large))).toEqual([3, {}])
  })

  it('counts every delete as one command, also one with a stale cas, and version', async () => {
    await send(opcode.add, 'k', stored)
    const stale = Buffer.alloc(8, 7)
    expect(await counted(() => send(opcode.delete, 'k', { cas: stale }))).toEqual([2, {}])
    expect(await counted(() => send(opcode.delete, 'k'))).toEqual([0, { deleteHits: 1 }])
    expect(await counted(() => send(opcode.delete, 'k'))).toEqual([1, { deleteMisses: 1 }])
    expect(await counted(() => send(opcode.version, ''))).toEqual([0, {}])
  })

  it('counts meta commands, and none of its own', async () => {
    const meta = connect(memcached.port, '127.0.0.1')
    const before = await memcached.commands()
    await memcached.rawSet('k', Buffer.from('coat'))
    await memcached.ttl('k')
    await memcached.rawGet('k')
    await memcached.keys()
    await memcached.evict('k')
    expect(commandCount(before, await memcached.commands())).toBe(0)
    for (const command of ['mg k v', 'ms k 1\r\na', 'cas k 0 0 1 9\r\na', 'ma k', 'md k', 'mn']) {
      meta.write(`${command}\r\n`)
      await once(meta, 'data')
    }
    expect(commandCount(before, await memcached.commands())).toBe(5)
    for (const command of ['mg k O1', 'mg k O23', 'mg k v O4', 'md k O5']) {
      meta.write(`${command}\r\n`)
      await once(meta, 'data')
    }
    meta.destroy()
    const after = await memcached.commands()
    expect(commandCount(before, after)).toBe(7)
    expect(after.guards - before.guards).toBe(2)
  })

  it('counts exactly when four threads write the log at once', async () => {
    const before = await memcached.commands()
    const ask = async () => {
      const socket = connect(memcached.port, '127.0.0.1')
      const frame = Buffer.alloc(24)
      frame.set([0x80, opcode.version])
      let received = 0
      socket.on('data', (chunk) => (received += chunk.length))
      socket.write(Buffer.concat(Array<Buffer>(100).fill(frame)))
      while (received < 100 * (24 + '1.6.18'.length)) await once(socket, 'data')
      socket.destroy()
    }
    await Promise.all([ask(), ask(), ask(), ask(), ask(), ask(), ask(), ask()])
    expect(commandCount(before, await memcached.commands())).toBe(800)
  })

  it('reads, lists and removes records without a client', async () => {
    const value = Buffer.from('END\r\n\0\xff', 'latin1')
    await memcached.rawSet('a%b', value, 100)
    await memcached.rawSet('eternal', Buffer.alloc(0))
    expect((await memcached.keys()).sort()).toEqual(['a%b', 'eternal'])
    expect(await memcached.rawGet('a%b')).toEqual(value)
    expect(await memcached.rawGet('eternal')).toEqual(Buffer.alloc(0))
    expect([99, 100]).toContain(await memcached.ttl('a%b'))
    expect(await memcached.ttl('eternal')).toBe(-1)
    expect(await memcached.evict('a%b')).toBe(true)
    expect(await memcached.evict('a%b')).toBe(false)
    expect(await memcached.rawGet('a%b')).toBeNull()
    expect(await memcached.ttl('a%b')).toBeNull()
  })
})

describe('the life of a memcached process', () => {
  it('restarts on the same port, empty, after a stop, after a kill and while paused', async () => {
    const memcached = await startMemcached()
    for (const end of ['stop', 'kill', 'pause'] as const) {
      const { pid } = memcached
      await memcached.rawSet('k', Buffer.from('coat'))
      await memcached[end]()
      await memcached.restart()
      expect(memcached.pid).not.toBe(pid)
      expect(await memcached.keys()).toEqual([])
    }
    await memcached.stop()
    await memcached.stop()
    await expect(memcached.stats()).rejects.toThrow('ECONNREFUSED')
  })

  it('continues after a pause', async () => {
    const memcached = await startMemcached()
    memcached.pause()
    const asked = memcached.stats()
    memcached.resume()
    expect((await asked)['pid']).toBe(String(memcached.pid))
    await memcached.kill()
  })

  it('starts with arguments that disable the text protocol', async () => {
    const memcached = await startMemcached({ args: ['-B', 'binary'] })
    await expect(memcached.stats()).rejects.toThrow()
    await memcached.kill()
  })

  it('says why memcached does not start', async () => {
    const memcached = await startMemcached()
    const { port } = memcached
    await expect(startMemcached({ port })).rejects.toThrow(/Address already in use/)
    await expect(startMemcached({ args: ['--nonsense'] })).rejects.toThrow(/nonsense/)
    await memcached.kill()
  })

  it('ends with the process that started it, also if that is killed', async () => {
    const script = `
      const { startMemcached } = await import('${import.meta.resolve('./process.ts')}')
      const memcached = await startMemcached()
      console.log(memcached.port)
      await new Promise((resolve) => setTimeout(resolve, 60_000))`
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', script])
    const [port] = (await once(owner.stdout, 'data')) as [Buffer]
    owner.kill('SIGKILL')
    await expect.poll(() => refused(Number(String(port)))).toBe(true)
  })
})

interface Parts {
  readonly extras: readonly number[]
  readonly value: Uint8Array
  readonly cas: Uint8Array
}

interface Answer {
  readonly status: number
  readonly cas: Uint8Array
}

function refused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', () => resolve(true))
  })
}
