import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ConnectionOptions } from '../src/link/connection-options.ts'
import { createBinaryClient } from '../src/protocol/binary-client.ts'
import type { Cas, Client } from '../src/protocol/client.ts'
import { createClient } from '../src/protocol/create-client.ts'
import { createMetaClient } from '../src/protocol/meta-client.ts'
import { patient } from './patience.ts'
import { bytes, freshKey, text } from './samples.ts'

const host = '127.0.0.1'

let folder: string
let plain: MemcachedProcess
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wire-'))
  plain = await startMemcached({ trace: false })
})
afterAll(async () => {
  await plain.kill()
  rmSync(folder, { recursive: true })
})

const protocols = [
  ['binary', createBinaryClient],
  ['meta', createMetaClient],
  ['auto', (options: ConnectionOptions) => createClient(options, 'auto')],
] as const

describe.each(protocols)('a client in the %s protocol', (protocol, createClient) => {
  let client: Client
  beforeAll(() => {
    client = createClient({ ...patient, host, port: plain.port, maxValueBytes: 2_000_000 })
  })
  afterAll(() => client.close())

  const stored = async (key: string, value: Uint8Array): Promise<Cas> => {
    expect(await client.add(key, value, 60)).toBe(true)
    return (await client.get(key))!.cas
  }

  test('reads what was added, byte for byte, with 8 bytes of cas', async () => {
    for (const length of [0, 1, 2, 255, 4096, 65_536, 200_000, 1_000_000]) {
      const key = freshKey()
      expect(await client.add(key, bytes(length), 60)).toBe(true)
      const hit = await client.get(key)
      expect(Buffer.compare(hit!.value, bytes(length))).toBe(0)
      expect(hit!.cas).toHaveLength(8)
    }
  })

  test('tells an empty record from none', async () => {
    const key = freshKey()
    expect(await client.get(key)).toBeNull()
    await client.add(key, new Uint8Array(), 60)
    expect((await client.get(key))!.value).toHaveLength(0)
  })

  test('keeps values that look like answers apart from answers', async () => {
    const value = text('HD O1\r\nEN\r\nEND\r\n\x81\x1d\r\nVALUE x 0 1\r\n')
    const key = freshKey()
    await client.add(key, value, 60)
    expect(Buffer.compare((await client.get(key))!.value, value)).toBe(0)
  })

  test('adds only where nothing is', async () => {
    const key = freshKey()
    expect(await client.add(key, text('first'), 60)).toBe(true)
    expect(await client.add(key, text('second'), 60)).toBe(false)
    expect(String(await plain.rawGet(key))).toBe('first')
  })

  test('moves the expiry with a read that has a ttl, and keeps the cas', async () => {
    const key = freshKey()
    const cas = await stored(key, text('a'))
    expect(await plain.ttl(key)).toBeLessThanOrEqual(60)
    expect((await client.get(key, 3600))!.cas).toEqual(cas)
    expect(await plain.ttl(key)).toBeGreaterThan(3590)
    await client.get(key)
    expect(await plain.ttl(key)).toBeGreaterThan(3590)
  })

  test('replaces only the version it knows, with the new expiry', async () => {
    const key = freshKey()
    const cas = await stored(key, text('one'))
    expect(await client.replace(key, text('two'), 1000, cas)).toBe('saved')
    expect(await client.replace(key, text('three'), 1000, cas)).toBe('conflict')
    expect(String(await plain.rawGet(key))).toBe('two')
    expect(await plain.ttl(key)).toBeGreaterThan(990)
  })

  test('never creates a record by a replace', async () => {
    const key = freshKey()
    const cas = await stored(key, text('one'))
    expect(await client.delete(key)).toBe('deleted')
    expect(await client.replace(key, text('two'), 60, cas)).toBe('missing')
    expect(await plain.rawGet(key)).toBeNull()
  })

  test('deletes, with a cas only the version it knows', async () => {
    const key = freshKey()
    const cas = await stored(key, text('one'))
    await client.replace(key, text('two'), 60, cas)
    expect(await client.delete(key, cas)).toBe('conflict')
    expect(await client.delete(key, (await client.get(key))!.cas)).toBe('deleted')
    expect(await client.delete(key, cas)).toBe('missing')
    expect(await client.delete(key)).toBe('missing')
  })

  test('answers a thousand commands of one turn, each with its own', async () => {
    const names = Array.from({ length: 1000 }, freshKey)
    await Promise.all(names.map((name) => client.add(name, text(name), 60)))
    const hits = await Promise.all(names.map((name) => client.get(name, 60)))
    expect(hits.map((hit) => Buffer.from(hit!.value).toString())).toEqual(names)
  })

  test('hands out copies, and keeps no reference to what it was given', async () => {
    const key = freshKey()
    const value = text('before')
    const adding = client.add(key, value, 60)
    value.fill(0)
    await adding
    const first = await client.get(key)
    first!.value.fill(0)
    first!.cas.fill(0)
    expect(String(Buffer.from((await client.get(key))!.value))).toBe('before')
  })

  test('refuses a value above its limit before it is sent', async () => {
    const key = freshKey()
    const cas = await stored(key, text('here'))
    const refusal = { name: 'StoreError', code: 'too-large', sent: false }
    await expect(client.add(freshKey(), bytes(2_000_001), 60)).rejects.toMatchObject(refusal)
    await expect(client.replace(key, bytes(2_000_001), 60, cas)).rejects.toMatchObject(refusal)
  })

  test('keeps the record when the server finds the new value too large', async () => {
    const key = freshKey()
    const cas = await stored(key, text('here'))
    const refusal = { name: 'StoreError', code: 'too-large', sent: true }
    await expect(client.replace(key, bytes(1_500_000), 60, cas)).rejects.toMatchObject(refusal)
    await expect(client.add(freshKey(), bytes(1_500_000), 60)).rejects.toMatchObject(refusal)
    expect(String(await plain.rawGet(key))).toBe('here')
    expect(await client.replace(key, text('still'), 60, cas)).toBe('saved')
  })

  test('keeps the record when the server has no memory for the new value', async () => {
    const full = await startMemcached({ trace: false, args: ['-M', '-m', '2'] })
    const client = createClient({ ...patient, host, port: full.port })
    await client.add('mine', text('small'), 0)
    const fill = async () => {
      for (let at = 0; at < 10_000; at++) await client.add(`filler:${at}`, bytes(1000), 0)
    }
    const refusal = { name: 'StoreError', code: 'overloaded', sent: true }
    await expect(fill()).rejects.toMatchObject(refusal)
    const { cas } = (await client.get('mine'))!
    await expect(client.replace('mine', bytes(1000), 0, cas)).rejects.toMatchObject(refusal)
    expect(String(await full.rawGet('mine'))).toBe('small')
    client.close()
    await full.kill()
  })

  test('refuses keys, expiries and versions that the server would misunderstand', async () => {
    const refusal = { name: 'StoreError', code: 'config', sent: false }
    for (const key of ['', 'a b', 'a\r\nb', 'ä', '\0', 'k'.repeat(251), '\ud800']) {
      await expect(client.get(key)).rejects.toMatchObject(refusal)
      await expect(client.delete(key)).rejects.toMatchObject(refusal)
    }
    for (const ttl of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32]) {
      await expect(client.get('key', ttl)).rejects.toMatchObject(refusal)
      await expect(client.add('key', text(''), ttl)).rejects.toMatchObject(refusal)
    }
    for (const cas of [new Uint8Array(8), new Uint8Array(4).fill(1), new Uint8Array(0)]) {
      await expect(client.replace('key', text(''), 60, cas)).rejects.toMatchObject(refusal)
      await expect(client.delete('key', cas)).rejects.toMatchObject(refusal)
    }
    expect(await client.add(freshKey().padEnd(250, 'k'), text(''), 60)).toBe(true)
  })

  test('finds out that memcached runs without cas', async () => {
    const blind = await startMemcached({ trace: false, args: ['-C'] })
    const client = createClient({ ...patient, host, port: blind.port })
    await client.add('key', text('a'), 60)
    await expect(client.get('key')).rejects.toMatchObject({ code: 'config' })
    client.close()
    await blind.kill()
  })

  test('checks that the server answers', async () => {
    await expect(client.check()).resolves.toBeUndefined()
    const unreachable = createClient({ host, port: 1 })
    await expect(unreachable.check()).rejects.toMatchObject({ code: 'unavailable', sent: false })
  })

  test('is closed for good, and fails what is in flight', async () => {
    const client = createClient({ ...patient, host, port: plain.port })
    await client.check()
    const late = client.get('key')
    client.close()
    await expect(late).rejects.toMatchObject({ code: 'unavailable', sent: false })
    await expect(client.get('key')).rejects.toMatchObject({ code: 'unavailable', sent: false })
    client.close()
  })

  test('works over a unix socket', async () => {
    const path = join(folder, `${protocol}.sock`)
    const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
    const memcached = spawn('memcached', ['-s', path, ...user], { stdio: 'ignore' })
    const client = createClient({ ...patient, path })
    for (let tries = 0; tries < 2000; tries++) {
      if (
        await client.check().then(
          () => true,
          () => sleep(10, false),
        )
      )
        break
    }
    expect(await client.add('key', text('a'), 60)).toBe(true)
    client.close()
    memcached.kill('SIGKILL')
  })
})
