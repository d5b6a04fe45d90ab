import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { StoreError } from '@coatcheck/core/remote'
import type { ConnectionOptions } from '../src/link/connection-options.ts'
import type { Client } from '../src/protocol/client.ts'
import { createClient } from '../src/protocol/create-client.ts'
import { memcachedStore } from '../src/store/memcached-store.ts'
import { startFaultProxy } from './fake-server.ts'
import type { FakeServer, FaultProxy } from './fake-server.ts'
import { patient } from './patience.ts'
import { makeCertificate } from './real-server.ts'
import { binaryAnswer, numberOf, startScripted } from './scripted-server.ts'

const host = '127.0.0.1'

let memcached: MemcachedProcess
const ends: (() => unknown)[] = []
beforeAll(async () => {
  memcached = await startMemcached({ trace: false })
})
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})
afterAll(() => memcached.kill())

function open(options: Partial<ConnectionOptions> & { readonly port: number }): Client {
  const client = createClient({ host, ...patient, ...options }, 'auto')
  ends.push(() => client.close())
  return client
}

function keep<server extends FakeServer | FaultProxy>(server: server): server {
  ends.push(() => server.close())
  return server
}

/** A server whose protocol can be changed. It is silent to the other one. */
async function startSilent(speaks: { protocol: 'binary' | 'meta' }) {
  const asked: string[] = []
  const server = keep(
    await startScripted({
      text(line, socket) {
        asked.push('text')
        if (speaks.protocol === 'meta') socket.write(`EN ${numberOf(line)}\r\n`)
      },
      binary(frame, socket) {
        asked.push('binary')
        if (speaks.protocol === 'binary')
          socket.write(binaryAnswer(frame, frame[1] === 0x0a ? 0 : 1))
      },
    }),
  )
  return { ...server, asked }
}

describe('auto', () => {
  test('G6: asks binary after a short silence to text, and remembers it', async () => {
    const silent = await startSilent({ protocol: 'binary' })
    const client = open({ port: silent.port, deadline: 1000, maxIdle: 20 })
    expect(await client.get('none')).toBeNull()
    expect(silent.asked).toEqual(['text', 'binary', 'binary'])
    await sleep(40)
    expect(await client.get('none')).toBeNull()
    expect(silent.asked.slice(3)).toEqual(['binary', 'binary'])
    await expect.poll(() => silent.open()).toBe(1)
  })

  test('takes the word of a server that hangs up on text late, while binary is asked as well', async () => {
    const server = keep(
      await startScripted({
        text: (_line, socket) => void setTimeout(() => socket.destroy(), 500),
        binary: (frame, socket) =>
          void setTimeout(() => socket.write(binaryAnswer(frame, frame[1] === 0x0a ? 0 : 1)), 300),
      }),
    )
    const client = open({ port: server.port, deadline: 1200 })
    expect(await client.get('none')).toBeNull()
  })

  test('all commands that wait for one detection fail with one error', async () => {
    const silent = keep(await startScripted({}))
    const client = open({ port: silent.port, deadline: 50 })
    const settled = await Promise.allSettled([1, 2, 3].map(() => client.get('none')))
    const errors = settled.map((one) => (one as PromiseRejectedResult).reason as StoreError)
    expect(new Set(errors).size).toBe(1)
    expect(errors[0]).toMatchObject({ code: 'unavailable', sent: false })
  })

  test('takes no more commands than maxInFlight while it asks', async () => {
    const silent = keep(await startScripted({}))
    const client = open({ port: silent.port, deadline: 50, maxInFlight: 3 })
    const settled = await Promise.allSettled(Array.from({ length: 5 }, () => client.get('none')))
    const codes = settled.map((one) => ((one as PromiseRejectedResult).reason as StoreError).code)
    expect(codes).toEqual([
      ...Array.from({ length: 3 }, () => 'unavailable'),
      ...Array.from({ length: 2 }, () => 'overloaded'),
    ])
  })

  test('asks in text again when the server it remembers is silent to binary', async () => {
    const speaks = { protocol: 'binary' as 'binary' | 'meta' }
    const silent = await startSilent(speaks)
    const client = open({ port: silent.port, deadline: 1000, maxIdle: 20 })
    expect(await client.get('none')).toBeNull()
    speaks.protocol = 'meta'
    await sleep(40)
    silent.asked.length = 0
    expect(await client.get('none')).toBeNull()
    expect(silent.asked).toEqual(['binary', 'text', 'text'])
  })

  test('asks on one connection, also when it connects again', async () => {
    const proxy = keep(await startFaultProxy(memcached.port))
    const client = open({ port: proxy.port })
    for (let connection = 1; connection <= 4; connection++) {
      await Promise.all(['a', 'b', 'c'].map((key) => client.get(key)))
      expect(proxy.accepted()).toBe(connection)
      proxy.fault({ begin: ({ client }) => void client.resetAndDestroy() })
      proxy.fault(undefined)
      await expect.poll(() => proxy.open()).toBe(0)
      await sleep(5)
    }
  })

  /** Speaks text, and ends as many connections at their first question other than `version` as `lost` says. */
  async function startLossy(lost: { count: number }) {
    return keep(
      await startScripted({
        text(line, socket) {
          if (line === 'version') socket.write('VERSION 1.6.18\r\n')
          else if (lost.count-- > 0) socket.destroy()
          else socket.write(`EN ${numberOf(line)}\r\n`)
        },
        binary(_frame, socket) {
          if (lost.count-- > 0) socket.destroy()
        },
      }),
    )
  }

  test('G6: takes two connections that are lost by chance for an outage, and not for a wrong set-up', async () => {
    const lost = { count: 2 }
    const client = open({ port: (await startLossy(lost)).port })
    await expect(client.get('none')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await client.get('none')).toBeNull()
  })

  test('G6: takes whatever a server closes that it has understood for an outage', async () => {
    const lost = { count: 0 }
    const client = open({ port: (await startLossy(lost)).port, maxIdle: 20 })
    expect(await client.get('none')).toBeNull()
    lost.count = Infinity
    for (let tries = 0; tries < 3; tries++) {
      await sleep(40)
      await expect(client.get('none')).rejects.toMatchObject({ code: 'unavailable' })
    }
    lost.count = 0
    expect(await client.get('none')).toBeNull()
  })

  test('takes bytes in no protocol for an outage, of a server that it has understood', async () => {
    const speaks = { garbage: true }
    const server = keep(
      await startScripted({
        text: (line, socket) =>
          void socket.write(speaks.garbage ? '\x01\x02\r\n' : `EN ${numberOf(line)}\r\n`),
        binary: (_frame, socket) => void socket.write('\x01\x02\r\n'),
      }),
    )
    const never = open({ port: server.port })
    await expect(never.get('none')).rejects.toMatchObject({ code: 'config' })
    speaks.garbage = false
    const client = open({ port: server.port, maxIdle: 20 })
    expect(await client.get('none')).toBeNull()
    speaks.garbage = true
    await sleep(40)
    await expect(client.get('none')).rejects.toMatchObject({ code: 'protocol', sent: false })
    speaks.garbage = false
    expect(await client.get('none')).toBeNull()
  })

  test('replaces a connection that has been idle, and closes it', async () => {
    const proxy = keep(await startFaultProxy(memcached.port))
    const client = open({ port: proxy.port, maxIdle: 20 })
    await client.get('none')
    const before = proxy.accepted()
    await sleep(40)
    expect(await client.get('none')).toBeNull()
    expect(proxy.accepted() - before).toBe(1)
    await expect.poll(() => proxy.open()).toBe(1)
  })

  test('passes on what is wrong with TLS, with its cause', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'auto-'))
    ends.push(() => rmSync(folder, { recursive: true }))
    chmodSync(folder, 0o755)
    const { cert, key } = makeCertificate(folder)
    const secure = await startMemcached({
      trace: false,
      args: ['-Z', '-o', `ssl_chain_cert=${cert},ssl_key=${key}`],
    })
    ends.push(() => secure.kill())
    const error = (await open({ port: secure.port, tls: true })
      .get('none')
      .catch((reason: unknown) => reason)) as StoreError
    expect(error).toMatchObject({ code: 'config', sent: false })
    expect(error.message).toBe('TLS with the server failed (DEPTH_ZERO_SELF_SIGNED_CERT)')
    expect(error.cause).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    const plain = await open({ port: memcached.port, tls: true, deadline: 300 })
      .get('none')
      .catch((reason: unknown) => reason)
    expect(plain).toMatchObject({ name: 'StoreError', sent: false })
  })

  test('G6: 24 stores connect at once under mutual TLS, and no first command fails', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'auto-'))
    ends.push(() => rmSync(folder, { recursive: true }))
    chmodSync(folder, 0o755)
    const { cert, key } = makeCertificate(folder)
    const own = makeCertificate(folder, 'client-')
    const trust = `ssl_verify_mode=2,ssl_ca_cert=${own.cert}`
    const options = `ssl_chain_cert=${cert},ssl_key=${key},${trust}`
    const strict = await startMemcached({ trace: false, args: ['-Z', '-o', options] })
    ends.push(() => strict.kill())
    const proxy = keep(await startFaultProxy(strict.port))
    const tls = {
      ca: readFileSync(cert),
      cert: readFileSync(own.cert),
      key: readFileSync(own.key),
      servername: 'localhost',
    }
    const stores = Array.from({ length: 24 }, () =>
      memcachedStore({ servers: `${host}:${proxy.port}`, protocol: 'auto', tls }),
    )
    ends.push(() => stores.forEach((store) => store.close()))
    const calls = stores.flatMap((store) => ['a', 'b', 'c'].map((id) => store.load(id)))
    const settled = await Promise.allSettled(calls)
    expect(settled.filter(({ status }) => status === 'rejected')).toEqual([])
    expect(proxy.accepted()).toBe(24)
  })
})
