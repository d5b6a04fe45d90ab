import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { StoreError } from '@coatcheck/core/remote'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStoreOptions } from '../src/store/store-options.ts'
import { startFakeServer } from './fake-server.ts'
import type { FakeServer } from './fake-server.ts'
import { startTlsServer } from './real-server.ts'
import type { RealServer } from './real-server.ts'
import { binaryAnswer, numberOf, startScripted } from './scripted-server.ts'

const protocols = ['binary', 'meta', 'auto'] as const

let folder: string
const real: Record<string, MemcachedProcess> = {}
let tls: RealServer
const scripted: FakeServer[] = []
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'check-'))
  writeFileSync(join(folder, 'users'), 'joe:secret\n')
  const start = (...args: string[]) => startMemcached({ trace: false, args })
  real['plain'] = await start()
  real['without cas'] = await start('-C')
  real['text only'] = await start('-B', 'ascii')
  real['binary only'] = await start('-B', 'binary')
  real['auth file'] = await start('-Y', join(folder, 'users'))
  writeFileSync(join(folder, 'memcached.conf'), 'mech_list: plain\n')
  const env = { SASL_CONF_PATH: folder }
  real['sasl'] = await startMemcached({ trace: false, args: ['-S'], env })
  tls = await startTlsServer()
})
afterEach(async () => {
  for (const server of scripted.splice(0)) await server.close()
})
afterAll(async () => {
  for (const server of Object.values(real)) await server.kill()
  await tls.end()
  rmSync(folder, { recursive: true })
})

/** The code and the text of `check()`, of a store of its own each time. */
async function check(servers: string, options: MemcachedStoreOptions = {}): Promise<string> {
  const store = memcachedStore({ servers, deadline: 300, ...options })
  const heard = await store.check().then(
    () => 'content',
    ({ code, message }: StoreError) => `${code}: ${message}`,
  )
  store.close()
  return heard
}

/** What five checks say, which must be the same each time. */
async function alwaysSays(servers: string, options?: MemcachedStoreOptions): Promise<string> {
  const heard = new Set<string>()
  for (let time = 0; time < 5; time++) heard.add(await check(servers, options))
  expect([...heard]).toHaveLength(1)
  return [...heard][0]!
}

describe('check() of a store', () => {
  test.each(protocols)(
    'is content with a memcached, %s, and leaves nothing there',
    async (protocol) => {
      const before = await real['plain']!.keys()
      expect(await alwaysSays(real['plain']!.address, { protocol })).toBe('content')
      expect(await real['plain']!.keys()).toEqual(before)
    },
  )

  test.each(protocols)('names -C, %s', async (protocol) => {
    const heard = await alwaysSays(real['without cas']!.address, { protocol })
    expect(heard).toContain('config: ')
    expect(heard).toContain('start it without -C')
  })

  test.each([
    ['text only', 'binary', 'config', "speaks the meta protocol: set protocol to 'meta' or 'auto'"],
    [
      'binary only',
      'meta',
      'config',
      "speaks the binary protocol, and not meta, which needs memcached 1.6.18 or newer: set protocol to 'binary' or 'auto'",
    ],
    ['auth file', 'binary', 'auth', 'requires a valid login'],
    ['auth file', 'meta', 'auth', 'requires a valid login'],
    ['auth file', 'auto', 'auth', 'requires a valid login'],
    ['sasl', 'binary', 'auth', 'requires a valid login'],
    ['sasl', 'meta', 'auth', 'requires a valid login'],
    ['sasl', 'auto', 'auth', 'requires a valid login'],
  ] as const)(
    'names what is wrong with a server of %s for %s',
    async (name, protocol, code, text) => {
      const heard = await alwaysSays(real[name]!.address, { protocol })
      expect(heard).toContain(`${code}: No memcached: ${real[name]!.address} (`)
      expect(heard).toContain(text)
    },
  )

  test.each(['text only', 'binary only'])(
    'is content with a server of %s for auto',
    async (name) => {
      expect(await alwaysSays(real[name]!.address, { protocol: 'auto' })).toBe('content')
    },
  )

  test.each(protocols)('G6: names a certificate that is not trusted, %s', async (protocol) => {
    const heard = await alwaysSays(tls.address, { protocol, tls: true, deadline: 2000 })
    expect(heard).toMatch(/^config: .*TLS with the server failed \(DEPTH_ZERO_SELF_SIGNED_CERT\)/)
  })

  test.each([
    ['1.6.15 and 1.6.17, whose misses have no number', 'EN'],
    ['1.6.9, which knows no number', 'CLIENT_ERROR invalid flag'],
    ['1.5, which knows no meta', 'ERROR'],
  ])('G7: refuses meta on %s, and says that 1.6.18 is needed', async (_version, miss) => {
    const { port } = await scriptedOld(miss)
    const servers = `127.0.0.1:${port}`
    const heard = await alwaysSays(servers, { protocol: 'meta' })
    expect(heard).toContain('config: ')
    expect(heard).toContain("set protocol to 'binary' or 'auto'")
    expect(heard).toContain('1.6.18')
    const store = memcachedStore({ servers, protocol: 'auto', deadline: 1000 })
    expect(await store.load('nothing')).toBeNull()
    store.close()
  })

  test.each(protocols)(
    'names a proxy of old commands, %s, that hangs up on ours',
    async (protocol) => {
      const twemproxy = await startScripted({
        text(line, socket) {
          if (line === 'version') socket.write('VERSION 0.5.0\r\n')
          else socket.end()
        },
        binary: (_frame, socket) => void socket.end(),
      })
      scripted.push(twemproxy)
      const heard = await alwaysSays(`127.0.0.1:${twemproxy.port}`, { protocol })
      expect(heard).toContain('config: ')
      expect(heard).toContain('as twemproxy does')
    },
  )

  test.each(protocols)('names a server that is no memcached, %s', async (protocol) => {
    const web = await startFakeServer((socket) => {
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    })
    scripted.push(web)
    const heard = await alwaysSays(`127.0.0.1:${web.port}`, { protocol })
    expect(heard).toContain('config: ')
    expect(heard).toContain('HTTP/1.1')
  })

  test.each(protocols)('is unavailable where nothing listens, %s', async (protocol) => {
    expect(await alwaysSays('127.0.0.1:1', { protocol })).toContain('unavailable: ')
  })
})

/** A memcached before 1.6.18: it speaks binary, and answers a meta miss in a way of its own. */
async function scriptedOld(miss: string): Promise<FakeServer> {
  const old = await startScripted({
    text(line, socket) {
      if (miss === 'ERROR') socket.write('ERROR\r\n')
      else if (line === 'mn') socket.write('MN\r\n')
      else if (line.startsWith('mg ')) socket.write(`${miss}\r\n`)
      else socket.write(`HD ${numberOf(line)}\r\n`)
    },
    binary(frame, socket) {
      socket.write(binaryAnswer(frame, frame[1] === 0x0a ? 0 : 1))
    },
  })
  scripted.push(old)
  return old
}
