import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Lookup } from '../src/link/resolve.ts'
import { createBinaryClient } from '../src/protocol/binary-client.ts'
import type { Client } from '../src/protocol/client.ts'
import { createMetaClient } from '../src/protocol/meta-client.ts'
import { startFaultProxy } from './fake-server.ts'
import type { FaultProxy } from './fake-server.ts'
import { frozen } from './faults.ts'
import { patient } from './patience.ts'

let memcached: MemcachedProcess
let proxy: FaultProxy
const clients: Client[] = []
beforeAll(async () => {
  memcached = await startMemcached({ trace: false })
  proxy = await startFaultProxy(memcached.port)
})
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
  proxy.fault(undefined)
})
afterAll(async () => {
  await proxy.close()
  await memcached.kill()
})

describe.each([
  ['binary', createBinaryClient],
  ['meta', createMetaClient],
] as const)('a connection in the %s protocol', (_protocol, createClient) => {
  const open = (options: Partial<Parameters<typeof createClient>[0]>): Client => {
    const client = createClient({ host: 'cache.test', port: memcached.port, ...options })
    clients.push(client)
    return client
  }

  test('what the runtime refuses by throwing is config, at each command', async () => {
    const tls = { minVersion: 'none' } as never
    const client = open({ host: '127.0.0.1', tls })
    for (let command = 0; command < 2; command++) {
      await expect(client.get('a')).rejects.toMatchObject({ code: 'config', sent: false })
    }
  })

  test('G2: reaches a name with an IPv6 address that swallows packets', async () => {
    const hole = await startHole('::1', memcached.port)
    for (let process = 0; process < 5; process++) {
      expect(await open({ lookup: answering('::1', '127.0.0.1') }).get('none')).toBeNull()
    }
    await hole.end()
  })

  test('goes to the second address at once where the first refuses', async () => {
    const client = open({
      ...patient,
      lookup: answering('127.0.0.9', '127.0.0.8', '127.0.0.1'),
      proxy: true,
    })
    expect(await client.get('none')).toBeNull()
  })

  test('G3: replaces a connection that has been idle, which a NAT may have forgotten', async () => {
    const client = open({ host: '127.0.0.1', port: proxy.port, maxIdle: 40 })
    expect(await client.get('none')).toBeNull()
    const before = proxy.accepted()
    for (let round = 0; round < 5; round++) {
      await sleep(60)
      forget(proxy)
      expect(await client.get('none')).toBeNull()
      await expect.poll(() => proxy.open()).toBe(1)
    }
    expect(proxy.accepted() - before).toBe(5)
  })

  test('keeps a connection that is in use', async () => {
    const client = open({ host: '127.0.0.1', port: proxy.port, maxIdle: 10_000 })
    await client.get('none')
    const before = proxy.accepted()
    for (let round = 0; round < 20; round++) {
      await sleep(10)
      await client.get('none')
    }
    expect(proxy.accepted()).toBe(before)
  })

  test('G3: follows a name that moves, and ends no command by it', async () => {
    const there = await startForwarder('127.0.0.2', memcached.port)
    let addresses = ['127.0.0.1']
    const lookup: Lookup = (...call) => answering(...addresses)(...call)
    const client = open({ ...patient, lookup, deadline: 300, followAfter: 100 })
    const heard = new Set<unknown>()
    const useFor = async (milliseconds: number) => {
      for (const end = performance.now() + milliseconds; performance.now() < end; await sleep(1)) {
        const calls = await Promise.allSettled([client.get('none'), client.get('nothing')])
        for (const call of calls) heard.add(call.status === 'fulfilled' ? call.value : call.reason)
      }
    }
    await useFor(700)
    expect(there.accepted()).toBe(0)
    addresses = ['127.0.0.2']
    for (let tries = 0; tries < 20 && there.accepted() === 0; tries++) await useFor(300)
    expect(there.accepted()).toBe(1)
    addresses = []
    await useFor(700)
    expect(heard).toEqual(new Set([null]))
    await there.end()
  })

  test('counts no time in which its name waits for a thread', async () => {
    const release = occupyThreads()
    const client = open({ host: 'localhost', deadline: 100 })
    const calls = Promise.all([client.get('none'), client.get('nothing')])
    await sleep(300)
    await release()
    expect(await calls).toEqual([null, null])
  })

  test('says that the threads are busy, and blames no server, when that lasts', async () => {
    onTestFinished(occupyThreads())
    const client = open({ host: 'localhost', connectDeadline: 20 })
    const busy = { code: 'overloaded', sent: false, message: expect.stringContaining('thread') }
    await expect(client.get('none')).rejects.toMatchObject(busy)
  })

  test('names the address that did not answer', async () => {
    proxy.fault(frozen)
    const client = open({ port: proxy.port, deadline: 50, lookup: answering('127.0.0.1') })
    await expect(client.get('none')).rejects.toThrow(
      'No answer from the server (127.0.0.1) within 50',
    )
  })

  test('resolves a name once for a connection, and again for the next', async () => {
    let asked = 0
    const lookup: Lookup = (...call) => {
      asked++
      answering('127.0.0.1')(...call)
    }
    const client = open({ ...patient, port: proxy.port, lookup })
    await Promise.all([client.get('a'), client.get('b')])
    await client.get('c')
    expect(asked).toBe(1)
    for (const end of ['d', 'e']) {
      proxy.fault({ begin: ({ client }) => void client.resetAndDestroy() })
      proxy.fault(undefined)
      await client.get(end).catch(() => {})
      await client.get(end)
    }
    expect(asked).toBe(3)
  })

  test('G5: refuses a name that stands for several servers, and says what to give', async () => {
    const lookup = answering('127.0.0.1', '127.0.0.2', '127.0.0.3')
    const client = open({ ...patient, lookup })
    for (const call of [client.get('none'), client.check()]) {
      const error = await call.catch((reason: Error) => reason)
      expect(error).toMatchObject({ name: 'StoreError', code: 'config', sent: false })
      expect((error as Error).message).toBe(
        'cache.test has 3 addresses (127.0.0.1, 127.0.0.2, 127.0.0.3). If they are servers, list each ' +
          'of them in `servers`, by its own name. If any of them will do, because they are proxies of ' +
          'the same servers, set `proxy: true`',
      )
    }
  })

  test('G5: takes any address of a proxy', async () => {
    const lookup = answering('127.0.0.1', '127.0.0.2', '127.0.0.3')
    expect(await open({ ...patient, lookup, proxy: true }).get('none')).toBeNull()
  })

  test('is unavailable where the name is unknown', async () => {
    const lookup: Lookup = (_host, _options, callback) =>
      void setImmediate(callback, Object.assign(new Error('No'), { code: 'ENOTFOUND' }), [])
    const unknown = {
      code: 'unavailable',
      sent: false,
      message: expect.stringContaining('ENOTFOUND'),
    }
    await expect(open({ ...patient, lookup }).get('none')).rejects.toMatchObject(unknown)
  })
})

/** A name server that knows one name. */
function answering(...addresses: string[]): Lookup {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  return (_host, _options, callback) => void setImmediate(callback, null, found)
}

/** All open connections are lost in silence; later ones work. */
function forget(proxy: FaultProxy): void {
  const forgotten = new WeakSet<object>()
  proxy.fault({
    begin: (path) => void forgotten.add(path),
    request: (bytes, path) => void (forgotten.has(path) || path.memcached.write(bytes)),
  })
  proxy.fault({
    request: (bytes, path) => void (forgotten.has(path) || path.memcached.write(bytes)),
  })
}

/** Every thread that `dns.lookup` could have waits for a writer of a pipe, until that is released. */
function occupyThreads(): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-threads-'))
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)
  const readers = Array.from({ length: threads }, () => openFile(pipe))
  return async () => {
    const writer = openSync(pipe, 'r+')
    for (const reader of await Promise.all(readers)) await reader.close()
    closeSync(writer)
    rmSync(folder, { recursive: true })
  }
}

/** An address that accepts no connection and refuses none: its queue of connections is full. */
async function startHole(host: string, port: number) {
  const code = `
    const { createServer } = require('node:net')
    const { parentPort, workerData } = require('node:worker_threads')
    createServer().listen({ ...workerData, backlog: 1 }, () => {
      parentPort.postMessage('full')
      setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 50)
    })`
  const worker = new Worker(code, { eval: true, workerData: { host, port } })
  await once(worker, 'message')
  await sleep(200)
  const fillers: Socket[] = []
  for (let isFull = false; !isFull;) {
    const socket = connect({ host, port })
    socket.on('error', () => {})
    fillers.push(socket)
    isFull = await Promise.race([once(socket, 'connect').then(() => false), sleep(500, true)])
  }
  return {
    async end() {
      for (const socket of fillers) socket.destroy()
      await worker.terminate()
    },
  }
}

/** Forwards another address to memcached. */
async function startForwarder(host: string, port: number) {
  let accepted = 0
  const sockets = new Set<Socket>()
  const server: Server = createServer((client) => {
    accepted++
    const memcached = connect({ host: '127.0.0.1', port })
    for (const socket of [client, memcached]) sockets.add(socket.on('error', () => {}))
    client.pipe(memcached).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen({ host, port }, resolve))
  return {
    accepted: () => accepted,
    async end() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
