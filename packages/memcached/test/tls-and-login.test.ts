import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MemcachedProcess, startMemcached } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBinaryWire } from '../src/protocol/binary-client.ts'
import type { StoreError } from '../src/errors.ts'
import { patient } from './fault-cell.ts'
import { makeCertificate } from './real-server.ts'
import { detect } from '../src/protocol/detect.ts'
import type { WireOptions } from '../src/link/settings.ts'
import { createMetaWire } from '../src/protocol/meta-client.ts'

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

describe.each(protocols)('TLS under the %s protocol', (_protocol, createWire) => {
  let cert: string
  let key: string
  let node: MemcachedProcess
  beforeAll(async () => {
    ;({ cert, key } = makeCertificate(folder))
    const options = `ssl_chain_cert=${cert},ssl_key=${key}`
    node = await startMemcached({ trace: false, args: ['-Z', '-o', options] })
  })
  afterAll(() => node.kill())
  const open = (tls: WireOptions['tls']) => createWire({ ...patient, host, port: node.port, tls })

  test('reads and writes when the certificate is trusted', async () => {
    const wire = open({ ca: readFileSync(cert) })
    const name = freshKey()
    expect(await wire.add(name, bytes(100_000), 60)).toBe(true)
    expect(Buffer.compare((await wire.get(name, 60))!.value, bytes(100_000))).toBe(0)
    wire.close()
  })

  // memcached before 1.6.39 does not look at what a record has behind the end of a value.
  test('sends many commands at once so that memcached reads them all', async () => {
    const wire = open({ ca: readFileSync(cert) })
    for (const [count, size] of [
      [128, 1000],
      [10, 3000],
      [1, 16_384],
      [5, 16_384],
      [3, 65_536],
    ]) {
      const names = Array.from({ length: count! }, freshKey)
      const added = await Promise.all(names.map((name) => wire.add(name, bytes(size!), 60)))
      expect(new Set(added)).toEqual(new Set([true]))
      const hits = await Promise.all(names.map((name) => wire.get(name, 60)))
      const replace = (name: string, at: number) =>
        wire.replace(name, bytes(size! - 1), 60, hits[at]!.cas)
      expect(new Set(await Promise.all(names.map(replace)))).toEqual(new Set(['saved']))
      const [last] = await Promise.all([wire.get(names.at(-1)!), wire.get(names[0]!)])
      expect(last!.value).toHaveLength(size! - 1)
    }
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

  test('shows a certificate of our own to a node that wants one', async () => {
    const client = makeCertificate(folder, 'client-')
    const trust = `ssl_verify_mode=2,ssl_ca_cert=${client.cert}`
    const options = `ssl_chain_cert=${cert},ssl_key=${key},${trust}`
    const strict = await startMemcached({ trace: false, args: ['-Z', '-o', options] })
    const to = { ...patient, host, port: strict.port }
    const ca = readFileSync(cert)
    const own = { cert: readFileSync(client.cert), key: readFileSync(client.key) }
    const wire = createWire({ ...to, tls: { ca, ...own } })
    const name = freshKey()
    expect(await wire.add(name, text('a'), 60)).toBe(true)
    expect(await wire.get(name)).toMatchObject({ value: Buffer.from('a') })
    wire.close()

    const none = createWire({ ...to, tls: { ca } })
    const error = await none.get(name).catch((reason: StoreError) => reason)
    // The node says why, and hangs up, which may overtake it.
    expect(error).toMatchObject({ code: expect.stringMatching(/^(config|unavailable)$/) })
    none.close()
    await strict.kill()
  })

  test('says that a node does not speak TLS', async () => {
    const wire = createWire({ ...patient, host, port: plain.port, tls: true })
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
    const wire = createBinaryWire({ ...patient, host, port: sasl.port, ...login })
    const key = freshKey()
    const both = [wire.add(key, text('a'), 60), wire.get(key)] as const
    expect(await Promise.all(both)).toMatchObject([true, { value: Buffer.from('a') }])
    await wire.check()
    wire.close()
  })

  test('by SASL that fails is an auth error, of commands that were not sent', async () => {
    const wire = createBinaryWire({
      ...patient,
      host,
      port: sasl.port,
      username: 'joe',
      password: 'wrong',
    })
    const calls = [wire.get('a'), wire.add('a', text(''), 60), wire.check()]
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({ name: 'StoreError', code: 'auth', sent: false })
    }
    wire.close()
  })

  test('by SASL that is missing is an auth error', async () => {
    const wire = createBinaryWire({ ...patient, host, port: sasl.port })
    await expect(wire.check()).rejects.toMatchObject({ code: 'auth' })
    await expect(wire.get('a')).rejects.toMatchObject({ code: 'auth' })
    wire.close()
  })

  test('by SASL that the node does not know is a fault in the set-up', async () => {
    const wire = createBinaryWire({ ...patient, host, port: plain.port, ...login })
    await expect(wire.check()).rejects.toMatchObject({ code: 'config', sent: false })
    wire.close()
  })

  test('over the meta protocol opens a node with a password file', async () => {
    const wire = createMetaWire({
      ...patient,
      host,
      port: file.port,
      username: 'joe',
      password: 'secret',
    })
    expect(await wire.add('key', text('a'), 60)).toBe(true)
    wire.close()
    const wrong = createMetaWire({
      ...patient,
      host,
      port: file.port,
      username: 'joe',
      password: 'wrong',
    })
    await expect(wrong.get('key')).rejects.toMatchObject({ code: 'auth', sent: false })
    const none = createMetaWire({ ...patient, host, port: file.port })
    await expect(none.get('key')).rejects.toMatchObject({ code: 'auth' })
  })

  test('over the meta protocol leaves no password in a node that wants none', async () => {
    const wire = createMetaWire({
      ...patient,
      host,
      port: plain.port,
      username: 'joe',
      password: 'secret',
    })
    await wire.check()
    expect(await plain.rawGet('coatcheck')).toBeNull()
    wire.close()
  })

  test('that an error tells about is not in the error', async () => {
    const wire = createBinaryWire({
      ...patient,
      host,
      port: sasl.port,
      username: 'joe',
      password: 'hunter2',
    })
    const error = await wire.get('the-key').catch((reason: unknown) => reason)
    expect(`${(error as Error).stack}`).not.toMatch(/hunter2|the-key/)
    wire.close()
  })

  test('is used when the protocol is asked for', async () => {
    expect(await detect({ ...patient, host, port: sasl.port, ...login })).toBe('binary')
    const secret = { username: 'joe', password: 'secret' }
    expect(await detect({ ...patient, host, port: file.port, ...secret })).toBe('meta')
  })
})

describe('the protocol of a node', () => {
  test('is meta where both are spoken', async () => {
    expect(await detect({ ...patient, host, port: plain.port })).toBe('meta')
  })

  test('is binary where only that is spoken', async () => {
    const node = await startMemcached({ trace: false, args: ['-B', 'binary'] })
    expect(await detect({ ...patient, host, port: node.port })).toBe('binary')
    await node.kill()
  })

  test('is meta where only text is spoken', async () => {
    const node = await startMemcached({ trace: false, args: ['-B', 'ascii'] })
    expect(await detect({ ...patient, host, port: node.port })).toBe('meta')
    await node.kill()
  })

  test('is not guessed when the node is away', async () => {
    await expect(detect({ host, port: 1 })).rejects.toMatchObject({ code: 'unavailable' })
  })
})

/**
 * saslauthd's protocol: four strings with their lengths (user, password, service, realm), OK or NO.
 */
function startSaslauthd(path: string, login: { username: string; password: string }) {
  const server = createServer((socket) => {
    let request = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      request = Buffer.concat([request, chunk])
      const words: string[] = []
      for (let at = 0; at + 2 <= request.length;) {
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
