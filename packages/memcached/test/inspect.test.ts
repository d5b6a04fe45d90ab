import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inspectServers } from '../src/inspect.ts'
import type { ServerInspection } from '../src/inspect.ts'
import type { MemcachedStoreOptions } from '../src/store/store-options.ts'
import { startTlsServer } from './real-server.ts'
import type { RealServer } from './real-server.ts'

let folder: string
let tls: RealServer
const real: Record<string, MemcachedProcess> = {}
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'inspect-'))
  writeFileSync(join(folder, 'users'), 'joe:secret\n')
  writeFileSync(join(folder, 'memcached.conf'), 'mech_list: plain\n')
  const start = (...args: string[]) => startMemcached({ trace: false, args })
  real['plain'] = await start()
  real['text only'] = await start('-B', 'ascii', '-I', '16k', '-o', 'slab_chunk_max=8192')
  real['binary only'] = await start('-B', 'binary')
  real['auth file'] = await start('-Y', join(folder, 'users'))
  real['without cas'] = await start('-C')
  const env = { SASL_CONF_PATH: folder }
  real['sasl'] = await startMemcached({ trace: false, args: ['-S'], env })
  tls = await startTlsServer()
})
afterAll(async () => {
  for (const server of Object.values(real)) await server.kill()
  await tls.end()
  rmSync(folder, { recursive: true })
})

async function inspect(
  servers: string,
  options: MemcachedStoreOptions = {},
): Promise<ServerInspection> {
  const [found] = await inspectServers({ servers, ...options })
  return found!
}

describe('inspectServers', () => {
  it.each([
    ['plain', ['meta', 'binary']],
    ['text only', ['meta']],
    ['binary only', ['binary']],
  ])('finds out what a server speaks: %s', async (name, protocols) => {
    const found = await inspect(real[name]!.address)
    expect(found).toMatchObject({ server: real[name]!.address, error: null, protocols })
    expect(found.stats?.general['pid']).toBe(String(real[name]!.pid))
    expect(found.stats?.settings['tcpport']).toBe(String(real[name]!.port))
    expect(found.stats?.settings['item_size_max']).toBe(name === 'text only' ? '16384' : '1048576')
    expect(found.roundTrips).toHaveLength(20)
    expect(await inspect(real[name]!.address, { protocol: protocols.at(-1) as 'meta' })).toEqual({
      ...found,
      stats: expect.anything(),
      roundTrips: expect.anything(),
    })
  })

  it('leaves nothing there', async () => {
    const before = await real['plain']!.keys()
    await inspect(real['plain']!.address)
    expect(await real['plain']!.keys()).toEqual(before)
  })

  it.each(['auth file', 'sasl'])('tells whether a login is required: %s', async (name) => {
    const { address } = real[name]!
    const without = await inspect(address)
    expect(without).toMatchObject({ stats: null, protocols: [], roundTrips: [] })
    expect(without.error?.code).toBe('auth')
    expect(without.login).toEqual({ configured: false, required: true })
    const wrong = await inspect(address, { username: 'joe', password: 'guess' })
    expect(wrong.error?.code).toBe('auth')
    expect(JSON.stringify(wrong)).not.toContain('guess')
  })

  it('reads them with the login', async () => {
    const { address } = real['auth file']!
    const right = await inspect(`memcached://joe:secret@${address}`)
    expect(right).toMatchObject({
      error: null,
      protocols: ['meta'],
      login: { configured: true, required: true },
    })
    expect(right.stats?.general['pid']).toBe(String(real['auth file']!.pid))
    expect(JSON.stringify(right)).not.toContain('secret')
  })

  it('says what check() says, and that a server is down', async () => {
    const without = await inspect(real['without cas']!.address)
    expect(without.error).toMatchObject({ code: 'config', node: real['without cas']!.address })
    expect(without.stats?.settings['cas_enabled']).toBe('no')
    const down = await startMemcached({ trace: false })
    await down.kill()
    const found = await inspect(down.address, { deadline: 100 })
    expect(found).toMatchObject({
      protocols: [],
      stats: null,
      clockDifference: null,
      roundTrips: [],
    })
    expect(found.error?.code).toBe('unavailable')
  })

  it('reads them over TLS', async () => {
    const found = await inspect(tls.address, { tls: { ca: tls.ca }, deadline: 1000 })
    expect(found).toMatchObject({ error: null, tls: true })
    expect(found.stats?.settings['ssl_enabled']).toBe('yes')
    expect((await inspect(tls.address)).error).not.toBeNull()
  })

  it('compares the clocks', async () => {
    const { address } = real['plain']!
    expect(Math.abs((await inspect(address)).clockDifference!)).toBeLessThanOrEqual(2)
    const now = () => Date.now() + 60_000
    const late = (await inspect(address, { now })).clockDifference!
    expect(late).toBeGreaterThan(-63)
    expect(late).toBeLessThan(-57)
  })

  it('asks each server of a list, and refuses what the store refuses', async () => {
    const servers = [real['plain']!.address, real['text only']!.address]
    const found = await inspectServers({ servers })
    expect(found.map(({ server }) => server)).toEqual(servers)
    await expect(inspectServers({ servers: '' })).rejects.toMatchObject({ code: 'invalid-option' })
  })
})
