import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type MemcachedProcess, startMemcached } from '@coatcheck/testkit/memcached'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBinaryWire } from './binary-wire.ts'
import { detect } from './link-detect.ts'
import type { WireOptions } from './link-options.ts'
import { createMetaWire } from './meta-wire.ts'
import type { Cas, Wire } from './wire.ts'

const host = '127.0.0.1'
const text = (value: string) => new TextEncoder().encode(value)
const bytes = (length: number) => Uint8Array.from({ length }, (_, at) => (at * 7) % 256)

let folder: string
let plain: MemcachedProcess
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wire-'))
  chmodSync(folder, 0o755)
  plain = await startMemcached({ trace: false })
})
afterAll(async () => {
  await plain.kill()
  rmSync(folder, { recursive: true })
})

let keys = 0
const freshKey = () => `key:${++keys}`

const protocols = [
  ['binary', createBinaryWire],
  ['meta', createMetaWire],
] as const

describe.each(protocols)('a wire in the %s protocol', (protocol, createWire) => {
  let wire: Wire
  beforeAll(() => {
    wire = createWire({ host, port: plain.port, maxValueBytes: 2_000_000 })
  })
  afterAll(() => wire.close())

  const stored = async (key: string, value: Uint8Array): Promise<Cas> => {
    expect(await wire.add(key, value, 60)).toBe(true)
    return (await wire.get(key))!.cas
  }

  test('reads what was added, byte for byte, with 8 bytes of cas', async () => {
    for (const length of [0, 1, 2, 255, 4096, 65_536, 200_000, 1_000_000]) {
      const key = freshKey()
      expect(await wire.add(key, bytes(length), 60)).toBe(true)
      const hit = await wire.get(key)
      expect(Buffer.compare(hit!.value, bytes(length))).toBe(0)
      expect(hit!.cas).toHaveLength(8)
    }
  })

  test('tells an empty record from none', async () => {
    const key = freshKey()
    expect(await wire.get(key)).toBeNull()
    await wire.add(key, new Uint8Array(), 60)
    expect((await wire.get(key))!.value).toHaveLength(0)
  })

  test('keeps values that look like answers apart from answers', async () => {
    const value = text('HD O1\r\nEN\r\nEND\r\n\x81\x1d\r\nVALUE x 0 1\r\n')
    const key = freshKey()
    await wire.add(key, value, 60)
    expect(Buffer.compare((await wire.get(key))!.value, value)).toBe(0)
  })

  test('adds only where nothing is', async () => {
    const key = freshKey()
    expect(await wire.add(key, text('first'), 60)).toBe(true)
    expect(await wire.add(key, text('second'), 60)).toBe(false)
    expect(String(await plain.rawGet(key))).toBe('first')
  })

  test('moves the expiry with a read that has a ttl, and keeps the cas', async () => {
    const key = freshKey()
    const cas = await stored(key, text('a'))
    expect(await plain.ttl(key)).toBeLessThanOrEqual(60)
    expect((await wire.get(key, 3600))!.cas).toEqual(cas)
    expect(await plain.ttl(key)).toBeGreaterThan(3590)
    await wire.get(key)
    expect(await plain.ttl(key)).toBeGreaterThan(3590)
  })

  test('replaces only the version it knows, with the new expiry', async () => {
    const key = freshKey()
    const cas = await stored(key, text('one'))
    expect(await wire.replace(key, text('two'), 1000, cas)).toBe('saved')
    expect(await wire.replace(key, text('three'), 1000, cas)).toBe('conflict')
    expect(String(await plain.rawGet(key))).toBe('two')
    expect(await plain.ttl(key)).toBeGreaterThan(990)
  })

  test('never creates a record by a replace', async () => {
    const key = freshKey()
    const cas = await stored(key, text('one'))
    expect(await wire.delete(key)).toBe('deleted')
    expect(await wire.replace(key, text('two'), 60, cas)).toBe('missing')
    expect(await plain.rawGet(key)).toBeNull()
  })

  test('deletes, with a cas only the version it knows', async () => {
    const key = freshKey()
    const cas = await stored(key, text('one'))
    await wire.replace(key, text('two'), 60, cas)
    expect(await wire.delete(key, cas)).toBe('conflict')
    expect(await wire.delete(key, (await wire.get(key))!.cas)).toBe('deleted')
    expect(await wire.delete(key, cas)).toBe('missing')
    expect(await wire.delete(key)).toBe('missing')
  })

  test('answers a thousand commands of one turn, each with its own', async () => {
    const names = Array.from({ length: 1000 }, freshKey)
    await Promise.all(names.map((name) => wire.add(name, text(name), 60)))
    const hits = await Promise.all(names.map((name) => wire.get(name, 60)))
    expect(hits.map((hit) => Buffer.from(hit!.value).toString())).toEqual(names)
  })

  test('hands out copies, and keeps no reference to what it was given', async () => {
    const key = freshKey()
    const value = text('before')
    const adding = wire.add(key, value, 60)
    value.fill(0)
    await adding
    const first = await wire.get(key)
    first!.value.fill(0)
    first!.cas.fill(0)
    expect(String(Buffer.from((await wire.get(key))!.value))).toBe('before')
  })

  test('refuses a value above its limit before it is sent', async () => {
    const key = freshKey()
    const cas = await stored(key, text('here'))
    const refusal = { name: 'StoreError', code: 'too-large', sent: false }
    await expect(wire.add(freshKey(), bytes(2_000_001), 60)).rejects.toMatchObject(refusal)
    await expect(wire.replace(key, bytes(2_000_001), 60, cas)).rejects.toMatchObject(refusal)
  })

  test('keeps the record when the node finds the new value too large', async () => {
    const key = freshKey()
    const cas = await stored(key, text('here'))
    const refusal = { name: 'StoreError', code: 'too-large', sent: true }
    await expect(wire.replace(key, bytes(1_500_000), 60, cas)).rejects.toMatchObject(refusal)
    await expect(wire.add(freshKey(), bytes(1_500_000), 60)).rejects.toMatchObject(refusal)
    expect(String(await plain.rawGet(key))).toBe('here')
    expect(await wire.replace(key, text('still'), 60, cas)).toBe('saved')
  })

  test('keeps the record when the node has no memory for the new value', async () => {
    const full = await startMemcached({ trace: false, args: ['-M', '-m', '2'] })
    const wire = createWire({ host, port: full.port })
    await wire.add('mine', text('small'), 0)
    const fill = async () => {
      for (let at = 0; at < 10_000; at++) await wire.add(`filler:${at}`, bytes(1000), 0)
    }
    const refusal = { name: 'StoreError', code: 'overloaded', sent: true }
    await expect(fill()).rejects.toMatchObject(refusal)
    const { cas } = (await wire.get('mine'))!
    await expect(wire.replace('mine', bytes(1000), 0, cas)).rejects.toMatchObject(refusal)
    expect(String(await full.rawGet('mine'))).toBe('small')
    wire.close()
    await full.kill()
  })

  test('refuses keys, expiries and versions that the node would misunderstand', async () => {
    const refusal = { name: 'StoreError', code: 'config', sent: false }
    for (const key of ['', 'a b', 'a\r\nb', 'ä', '\0', 'k'.repeat(251), '\ud800']) {
      await expect(wire.get(key)).rejects.toMatchObject(refusal)
      await expect(wire.delete(key)).rejects.toMatchObject(refusal)
    }
    for (const ttl of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32]) {
      await expect(wire.get('key', ttl)).rejects.toMatchObject(refusal)
      await expect(wire.add('key', text(''), ttl)).rejects.toMatchObject(refusal)
    }
    for (const cas of [new Uint8Array(8), new Uint8Array(4).fill(1), new Uint8Array(0)]) {
      await expect(wire.replace('key', text(''), 60, cas)).rejects.toMatchObject(refusal)
      await expect(wire.delete('key', cas)).rejects.toMatchObject(refusal)
    }
    expect(await wire.add(freshKey().padEnd(250, 'k'), text(''), 60)).toBe(true)
  })

  test('finds out that memcached runs without cas', async () => {
    const blind = await startMemcached({ trace: false, args: ['-C'] })
    const wire = createWire({ host, port: blind.port })
    await wire.add('key', text('a'), 60)
    await expect(wire.get('key')).rejects.toMatchObject({ code: 'config' })
    wire.close()
    await blind.kill()
  })

  test('checks that the node answers', async () => {
    await expect(wire.check()).resolves.toBeUndefined()
    const nobody = createWire({ host, port: 1 })
    await expect(nobody.check()).rejects.toMatchObject({ code: 'unavailable', sent: false })
  })

  test('is closed for good, and fails what is in flight', async () => {
    const wire = createWire({ host, port: plain.port })
    await wire.check()
    const late = wire.get('key')
    wire.close()
    await expect(late).rejects.toMatchObject({ code: 'unavailable', sent: false })
    await expect(wire.get('key')).rejects.toMatchObject({ code: 'unavailable', sent: false })
    wire.close()
  })

  test('works over a unix socket', async () => {
    const path = join(folder, `${protocol}.sock`)
    const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
    const memcached = spawn('memcached', ['-s', path, ...user], { stdio: 'ignore' })
    const wire = createWire({ path })
    for (let tries = 0; tries < 200; tries++) {
      if (await wire.check().then(() => true, () => sleep(10, false))) break
    }
    expect(await wire.add('key', text('a'), 60)).toBe(true)
    wire.close()
    memcached.kill('SIGKILL')
  })
})

describe.each(protocols)('TLS under the %s protocol', (_protocol, createWire) => {
  let cert: string
  let key: string
  let node: MemcachedProcess
  beforeAll(async () => {
    ;[cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    const files = ['-keyout', key, '-out', cert]
    const command = ['req', '-x509', '-nodes', '-days', '2', ...curve, ...files, ...subject]
    execFileSync('openssl', command, { stdio: 'ignore' })
    const options = `ssl_chain_cert=${cert},ssl_key=${key}`
    node = await startMemcached({ trace: false, args: ['-Z', '-o', options] })
  })
  afterAll(() => node.kill())
  const open = (tls: WireOptions['tls'], at = host) => createWire({ host: at, port: node.port, tls })

  test('reads and writes when the certificate is trusted', async () => {
    const wire = open({ ca: readFileSync(cert) })
    const name = freshKey()
    expect(await wire.add(name, bytes(100_000), 60)).toBe(true)
    expect(Buffer.compare((await wire.get(name, 60))!.value, bytes(100_000))).toBe(0)
    wire.close()
  })

  test('refuses a certificate that is not trusted, as a fault in the set-up', async () => {
    const wire = open(true)
    await expect(wire.check()).rejects.toMatchObject({ code: 'config', sent: false })
    wire.close()
  })

  test('refuses a certificate of somebody else', async () => {
    const wire = open({ ca: readFileSync(cert), servername: 'elsewhere.example' })
    await expect(wire.check()).rejects.toMatchObject({ code: 'config', sent: false })
    wire.close()
  })

  test('says that a node does not speak TLS', async () => {
    const wire = createWire({ host, port: plain.port, tls: true })
    await expect(wire.check()).rejects.toMatchObject({ sent: false })
    wire.close()
  })

  test('is unavailable, within its deadline, without TLS', async () => {
    const wire = createWire({ host, port: node.port })
    await expect(wire.check()).rejects.toMatchObject({ name: 'StoreError' })
    wire.close()
  })
})

describe('a login', () => {
  let sasl: MemcachedProcess
  let file: MemcachedProcess
  let saslauthd: ReturnType<typeof createServer>
  const login = { username: 'joe', password: 's p@:ss' }

  beforeAll(async () => {
    saslauthd = await startSaslauthd(join(folder, 'mux'), login)
    const lines = ['mech_list: plain', 'pwcheck_method: saslauthd', `saslauthd_path: ${folder}/mux`]
    writeFileSync(join(folder, 'memcached.conf'), `${lines.join('\n')}\n`)
    process.env['SASL_CONF_PATH'] = folder
    sasl = await startMemcached({ trace: false, args: ['-S'] })
    delete process.env['SASL_CONF_PATH']
    writeFileSync(join(folder, 'users'), 'joe:secret\n')
    file = await startMemcached({ trace: false, args: ['-Y', join(folder, 'users')] })
  })
  afterAll(async () => {
    await sasl.kill()
    await file.kill()
    saslauthd.close()
  })

  test('by SASL PLAIN goes before everything else', async () => {
    const wire = createBinaryWire({ host, port: sasl.port, ...login })
    const key = freshKey()
    const both = [wire.add(key, text('a'), 60), wire.get(key)] as const
    expect(await Promise.all(both)).toMatchObject([true, { value: Buffer.from('a') }])
    await wire.check()
    wire.close()
  })

  test('by SASL that fails is an auth error, of commands that were not sent', async () => {
    const wire = createBinaryWire({ host, port: sasl.port, username: 'joe', password: 'wrong' })
    const calls = [wire.get('a'), wire.add('a', text(''), 60), wire.check()]
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({ name: 'StoreError', code: 'auth', sent: false })
    }
    wire.close()
  })

  test('by SASL that is missing is an auth error', async () => {
    const wire = createBinaryWire({ host, port: sasl.port })
    await expect(wire.check()).rejects.toMatchObject({ code: 'auth' })
    await expect(wire.get('a')).rejects.toMatchObject({ code: 'auth' })
    wire.close()
  })

  test('by SASL that the node does not know is a fault in the set-up', async () => {
    const wire = createBinaryWire({ host, port: plain.port, ...login })
    await expect(wire.check()).rejects.toMatchObject({ code: 'config', sent: false })
    wire.close()
  })

  test('over the meta protocol opens a node with a password file', async () => {
    const wire = createMetaWire({ host, port: file.port, username: 'joe', password: 'secret' })
    expect(await wire.add('key', text('a'), 60)).toBe(true)
    wire.close()
    const wrong = createMetaWire({ host, port: file.port, username: 'joe', password: 'wrong' })
    await expect(wrong.get('key')).rejects.toMatchObject({ code: 'auth', sent: false })
    const none = createMetaWire({ host, port: file.port })
    await expect(none.get('key')).rejects.toMatchObject({ code: 'auth' })
  })

  test('over the meta protocol leaves no password in a node that wants none', async () => {
    const wire = createMetaWire({ host, port: plain.port, username: 'joe', password: 'secret' })
    await wire.check()
    expect(await plain.rawGet('coatcheck')).toBeNull()
    wire.close()
  })

  test('that an error tells about is not in the error', async () => {
    const wire = createBinaryWire({ host, port: sasl.port, username: 'joe', password: 'hunter2' })
    const error = await wire.get('the-key').catch((reason: unknown) => reason)
    expect(`${(error as Error).stack}`).not.toMatch(/hunter2|the-key/)
    wire.close()
  })

  test('is used when the protocol is asked for', async () => {
    expect(await detect({ host, port: sasl.port, ...login })).toBe('binary')
    const secret = { username: 'joe', password: 'secret' }
    expect(await detect({ host, port: file.port, ...secret })).toBe('meta')
  })
})

describe('the protocol of a node', () => {
  test('is meta where both are spoken', async () => {
    expect(await detect({ host, port: plain.port })).toBe('meta')
  })

  test('is binary where only that is spoken', async () => {
    const node = await startMemcached({ trace: false, args: ['-B', 'binary'] })
    expect(await detect({ host, port: node.port })).toBe('binary')
    await node.kill()
  })

  test('is meta where only text is spoken', async () => {
    const node = await startMemcached({ trace: false, args: ['-B', 'ascii'] })
    expect(await detect({ host, port: node.port })).toBe('meta')
    await node.kill()
  })

  test('is not guessed when the node is away', async () => {
    await expect(detect({ host, port: 1 })).rejects.toMatchObject({ code: 'unavailable' })
  })
})

/** saslauthd's protocol: four strings with their lengths (user, password, service, realm), OK or NO. */
function startSaslauthd(path: string, login: { username: string; password: string }) {
  const server = createServer((socket) => {
    let request = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      request = Buffer.concat([request, chunk])
      const words: string[] = []
      for (let at = 0; at + 2 <= request.length; ) {
        const end = at + 2 + request.readUInt16BE(at)
        if (end <= request.length) words.push(request.toString('utf8', at + 2, end))
        at = end
      }
      if (words.length < 4) return
      const known = words[0] === login.username && words[1] === login.password
      socket.end(Buffer.from(known ? '\0\x02OK' : '\0\x02NO', 'latin1'))
    })
  })
  return new Promise<typeof server>((resolve) => {
    server.listen(path, () => {
      chmodSync(path, 0o777)
      resolve(server)
    })
  })
}
