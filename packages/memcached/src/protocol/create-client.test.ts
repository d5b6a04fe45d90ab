import { setTimeout as sleep } from 'node:timers/promises'
import { commandCount, startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startFakeServer, startFaultProxy } from '../../test/fake-server.ts'
import type { FakeServer, FaultProxy } from '../../test/fake-server.ts'
import { frozen, latency, resetNow } from '../../test/faults.ts'
import { awake } from '../../test/patience.ts'
import type { Client } from './client.ts'
import { createClient } from './create-client.ts'

const host = '127.0.0.1'
const bytes = Uint8Array.of(1, 2, 3)
const deadline = 150

let memcached: MemcachedProcess
let proxy: FaultProxy
const clients: Client[] = []
const servers: FakeServer[] = []
beforeAll(async () => {
  memcached = await startMemcached()
  proxy = await startFaultProxy(memcached.port)
})
afterAll(async () => {
  await proxy.close()
  await memcached.kill()
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  for (const server of servers.splice(0)) await server.close()
  proxy.fault(undefined)
  await until(() => proxy.open() === 0)
})

function open(port = proxy.port, wait = deadline): Client {
  const client = createClient({ host, port, deadline: wait }, 'auto')
  clients.push(client)
  return client
}

async function serve(talk: Parameters<typeof startFakeServer>[0]): Promise<FakeServer> {
  const server = await startFakeServer(talk)
  servers.push(server)
  return server
}

describe('a client that asks for the protocol', () => {
  test('asks once, on the connection that it keeps, however many commands wait', async () => {
    const before = proxy.accepted()
    const commands = await memcached.commands()
    const client = open(proxy.port, 5000)
    const added = Array.from({ length: 100 }, (_, at) => client.add(`once:${at}`, bytes, 60))
    expect(new Set(await Promise.all(added))).toEqual(new Set([true]))
    expect(await client.get('once:99', 60)).not.toBeNull()
    await client.check()
    expect(proxy.accepted() - before).toBe(1)
    expect(proxy.open()).toBe(1)
    // Neither the question nor the check is counted.
    expect(commandCount(commands, await memcached.commands())).toBe(101)
  })

  test('connects to nothing before the first command', async () => {
    const before = proxy.accepted()
    open()
    await sleep(20)
    expect(proxy.accepted()).toBe(before)
  })

  test('finds either protocol', async () => {
    for (const protocol of ['ascii', 'binary']) {
      const picky = await startMemcached({ trace: false, args: ['-B', protocol] })
      const client = open(picky.port, 5000)
      expect(await client.add('key', bytes, 60)).toBe(true)
      const { cas } = (await client.get('key', 60))!
      expect(await client.replace('key', bytes, 60, cas)).toBe('saved')
      expect(await client.delete('key')).toBe('deleted')
      await picky.kill()
    }
  })

  test('asks again when another server has taken the place of the first', async () => {
    const [ascii, binary] = await Promise.all([
      startMemcached({ trace: false, args: ['-B', 'ascii'] }),
      startMemcached({ trace: false, args: ['-B', 'binary'] }),
    ])
    for (const [first, second] of [
      [ascii, binary],
      [binary, ascii],
    ] as const) {
      const { port } = first
      const client = open(port, 2000)
      await client.check()
      await first.kill()
      const other = await startMemcached({
        trace: false,
        port,
        args: ['-B', second === ascii ? 'ascii' : 'binary'],
      })
      const heard: string[] = []
      for (let tries = 0; tries < 3 && heard.at(-1) !== 'null'; tries++) {
        heard.push(await client.get('none').then(String, (error) => error.code))
      }
      expect(heard.at(-1)).toBe('null')
      await other.kill()
      await first.restart()
    }
    await Promise.all([ascii.kill(), binary.kill()])
  })

  test('counts the question as part of the time of the command', async () => {
    proxy.fault(latency(100))
    const begun = awake()
    const calls = await Promise.allSettled([
      open().get('none'),
      open().add('slow', bytes, 60),
      open().check(),
    ])
    expect(awake() - begun).toBeLessThan(deadline + 50)
    for (const call of calls) expect(call).toMatchObject({ reason: { code: 'unavailable' } })
  })

  test('does not let two slow questions take two deadlines', async () => {
    const slow = await serve((socket) => {
      socket.on('data', () => setTimeout(() => socket.destroy(), 140).unref())
    })
    const begun = awake()
    await expect(open(slow.port).get('none')).rejects.toMatchObject({ sent: false })
    expect(awake() - begun).toBeLessThan(deadline + 50)
  })

  test('sends nothing whose time was over before the answer came', async () => {
    proxy.fault(frozen)
    const client = open(proxy.port, 100)
    const late = client.add('late', bytes, 60)
    await expect(late).rejects.toMatchObject({ code: 'unavailable', sent: false })
    proxy.fault(undefined)
    await sleep(50)
    expect(await memcached.rawGet('late')).toBeNull()
    expect(await client.add('late', bytes, 60)).toBe(true)
  })

  test('fails all that wait for an answer that does not come, and asks anew', async () => {
    proxy.fault(frozen)
    const client = open()
    const calls = Array.from({ length: 200 }, (_, at) => client.get(`key:${at}`, 60))
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ reason: { code: 'unavailable', sent: false } })
    }
    proxy.fault(undefined)
    // The detection may end a little later; commands submitted before that share its failure.
    await sleep(50)
    expect(await client.get('none')).toBeNull()
    await until(() => proxy.open() === 1)
  })

  test('goes on after its connection was cut, and leaves no other open', async () => {
    const client = open(proxy.port, 2000)
    for (let round = 0; round < 5; round++) {
      await client.check()
      proxy.fault(resetNow)
      proxy.fault(undefined)
      await client.check().catch(() => {})
      expect(await client.get('none')).toBeNull()
    }
    await until(() => proxy.open() === 1)
  })

  test('lets commands that are under way end when another gets an error', async () => {
    const failing = await serve((socket) => {
      socket.on('data', (chunk) => {
        for (const [line, letters] of String(chunk).matchAll(/^(m\w)(?: .*O\d+)?\r$/gm)) {
          if (letters === 'mn') {
            socket.write('MN\r\n')
            continue
          }
          const opaque = /O\d+/.exec(line)![0]
          if (letters === 'md') socket.write('SERVER_ERROR no\r\n')
          else socket.write(`${letters === 'ms' ? 'HD' : 'EN'} ${opaque}\r\n`)
        }
      })
    })
    const client = open(failing.port, 5000)
    await client.get('none').catch(() => {})
    const deleted = client.delete('key')
    const added = client.add('key', bytes, 60)
    await expect(deleted).rejects.toMatchObject({ code: 'unavailable' })
    await client.check()
    expect(await added).toBe(true)
    expect(failing.accepted()).toBe(1)
    await until(() => failing.open() === 1)
  })

  test('says config where neither is spoken', async () => {
    const web = await serve((socket) => {
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    })
    const client = open(web.port)
    const refusal = { code: 'config', message: expect.stringContaining('neither the meta') }
    await expect(client.get('none')).rejects.toMatchObject(refusal)
    await expect(client.check()).rejects.toMatchObject(refusal)
    await until(() => web.open() === 0)
  })

  test('says unavailable of a server that hangs up, which may be about to end', async () => {
    const ending = await serve((socket) => void socket.on('data', () => socket.end()))
    await expect(open(ending.port).get('none')).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('is closed for good, also while it asks', async () => {
    const client = open()
    const early = client.get('none')
    client.close()
    const ended = { code: 'unavailable', sent: false }
    await expect(early).rejects.toMatchObject(ended)
    const before = proxy.accepted()
    await expect(client.get('none')).rejects.toMatchObject(ended)
    await expect(client.check()).rejects.toMatchObject(ended)
    await until(() => proxy.open() === 0)
    expect(proxy.accepted()).toBe(before)

    const busy = open()
    await busy.check()
    proxy.fault(frozen)
    const late = busy.get('none')
    busy.close()
    await expect(late).rejects.toMatchObject({ code: 'unavailable' })
    await until(() => proxy.open() === 0)
  })
})

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !condition(); tries++) await sleep(5)
  expect(condition()).toBe(true)
}
