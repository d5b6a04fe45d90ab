import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StoreError } from '@coatcheck/core/remote'
import type { ConnectionOptions } from '../src/link/connection-options.ts'
import { createBinaryClient } from '../src/protocol/binary-client.ts'
import { detectProtocol } from '../src/protocol/detect.ts'
import { createMetaClient } from '../src/protocol/meta-client.ts'
import { patient } from './patience.ts'
import { bytes, freshKey, text } from './samples.ts'
import { makeCertificate } from './real-server.ts'

const host = '127.0.0.1'

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

const protocols = [
  ['binary', createBinaryClient],
  ['meta', createMetaClient],
] as const

describe.each(protocols)('TLS under the %s protocol', (_protocol, createClient) => {
  let cert: string
  let key: string
  let memcached: MemcachedProcess
  beforeAll(async () => {
    ;({ cert, key } = makeCertificate(folder))
    const options = `ssl_chain_cert=${cert},ssl_key=${key}`
    memcached = await startMemcached({ trace: false, args: ['-Z', '-o', options] })
  })
  afterAll(() => memcached.kill())
  const open = (tls: ConnectionOptions['tls']) =>
    createClient({ ...patient, host, port: memcached.port, tls })

  test('reads and writes when the certificate is trusted', async () => {
    const client = open({ ca: readFileSync(cert) })
    const name = freshKey()
    expect(await client.add(name, bytes(100_000), 60)).toBe(true)
    expect(Buffer.compare((await client.get(name, 60))!.value, bytes(100_000))).toBe(0)
    client.close()
  })

  // memcached before 1.6.39 ignores what follows the end of a value in a TLS record.
  test('sends many commands at once so that memcached reads them all', async () => {
    const client = open({ ca: readFileSync(cert) })
    for (const [count, size] of [
      [128, 1000],
      [10, 3000],
      [1, 16_384],
      [5, 16_384],
      [3, 65_536],
    ]) {
      const names = Array.from({ length: count! }, freshKey)
      const added = await Promise.all(names.map((name) => client.add(name, bytes(size!), 60)))
      expect(new Set(added)).toEqual(new Set([true]))
      const hits = await Promise.all(names.map((name) => client.get(name, 60)))
      const replace = (name: string, at: number) =>
        client.replace(name, bytes(size! - 1), 60, hits[at]!.cas)
      expect(new Set(await Promise.all(names.map(replace)))).toEqual(new Set(['saved']))
      const [last] = await Promise.all([client.get(names.at(-1)!), client.get(names[0]!)])
      expect(last!.value).toHaveLength(size! - 1)
    }
    client.close()
  })

  test('refuses a certificate that is not trusted, as a fault in the set-up', async () => {
    const client = open(true)
    await expect(client.check()).rejects.toMatchObject({ code: 'config', sent: false })
    client.close()
  })

  test('refuses a certificate for another name', async () => {
    const client = open({ ca: readFileSync(cert), servername: 'elsewhere.example' })
    await expect(client.check()).rejects.toMatchObject({ code: 'config', sent: false })
    client.close()
  })

  test('shows a certificate of our own to a server that wants one', async () => {
    const own = makeCertificate(folder, 'client-')
    const trust = `ssl_verify_mode=2,ssl_ca_cert=${own.cert}`
    const options = `ssl_chain_cert=${cert},ssl_key=${key},${trust}`
    const strict = await startMemcached({ trace: false, args: ['-Z', '-o', options] })
    const to = { ...patient, host, port: strict.port }
    const ca = readFileSync(cert)
    const pair = { cert: readFileSync(own.cert), key: readFileSync(own.key) }
    const client = createClient({ ...to, tls: { ca, ...pair } })
    const name = freshKey()
    expect(await client.add(name, text('a'), 60)).toBe(true)
    expect(await client.get(name)).toMatchObject({ value: Buffer.from('a') })
    client.close()

    const none = createClient({ ...to, tls: { ca } })
    const error = await none.get(name).catch((reason: StoreError) => reason)
    // The server sends the reason and closes the connection, and the close may arrive first.
    expect(error).toMatchObject({ code: expect.stringMatching(/^(config|unavailable)$/) })
    none.close()
    await strict.kill()
  })

  test('says that a server does not speak TLS', async () => {
    const client = createClient({ ...patient, host, port: plain.port, tls: true })
    await expect(client.check()).rejects.toMatchObject({ sent: false })
    client.close()
  })

  test('is unavailable, within its deadline, without TLS', async () => {
    const client = createClient({ host, port: memcached.port })
    await expect(client.check()).rejects.toMatchObject({ name: 'StoreError' })
    client.close()
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
    const client = createBinaryClient({ ...patient, host, port: sasl.port, ...login })
    const key = freshKey()
    const both = [client.add(key, text('a'), 60), client.get(key)] as const
    expect(await Promise.all(both)).toMatchObject([true, { value: Buffer.from('a') }])
    await client.check()
    client.close()
  })

  test('by SASL that fails is an auth error, of commands that were not sent', async () => {
    const client = createBinaryClient({
      ...patient,
      host,
      port: sasl.port,
      username: 'joe',
      password: 'wrong',
    })
    const calls = [client.get('a'), client.add('a', text(''), 60), client.check()]
    for (const call of calls) {
      await expect(call).rejects.toMatchObject({ name: 'StoreError', code: 'auth', sent: false })
    }
    client.close()
  })

  test('by SASL that is missing is an auth error', async () => {
    const client = createBinaryClient({ ...patient, host, port: sasl.port })
    await expect(client.check()).rejects.toMatchObject({ code: 'auth' })
    await expect(client.get('a')).rejects.toMatchObject({ code: 'auth' })
    client.close()
  })

  test('by SASL that the server does not know is a fault in the set-up', async () => {
    const client = createBinaryClient({ ...patient, host, port: plain.port, ...login })
    await expect(client.check()).rejects.toMatchObject({ code: 'config', sent: false })
    client.close()
  })

  test('over the meta protocol opens a server with a password file', async () => {
    const client = createMetaClient({
      ...patient,
      host,
      port: file.port,
      username: 'joe',
      password: 'secret',
    })
    expect(await client.add('key', text('a'), 60)).toBe(true)
    client.close()
    const wrong = createMetaClient({
      ...patient,
      host,
      port: file.port,
      username: 'joe',
      password: 'wrong',
    })
    await expect(wrong.get('key')).rejects.toMatchObject({ code: 'auth', sent: false })
    const none = createMetaClient({ ...patient, host, port: file.port })
    await expect(none.get('key')).rejects.toMatchObject({ code: 'auth' })
  })

  test('over the meta protocol leaves no password in a server that wants none', async () => {
    const client = createMetaClient({
      ...patient,
      host,
      port: plain.port,
      username: 'joe',
      password: 'secret',
    })
    await client.check()
    expect(await plain.rawGet('coatcheck')).toBeNull()
    client.close()
  })

  test('that an error tells about is not in the error', async () => {
    const client = createBinaryClient({
      ...patient,
      host,
      port: sasl.port,
      username: 'joe',
      password: 'hunter2',
    })
    const error = await client.get('the-key').catch((reason: unknown) => reason)
    expect(`${(error as Error).stack}`).not.toMatch(/hunter2|the-key/)
    client.close()
  })

  test('is used when the protocol is asked for', async () => {
    expect(await detectProtocol({ ...patient, host, port: sasl.port, ...login })).toBe('binary')
    const secret = { username: 'joe', password: 'secret' }
    expect(await detectProtocol({ ...patient, host, port: file.port, ...secret })).toBe('meta')
  })
})

describe('the protocol of a server', () => {
  test('is meta where both are spoken', async () => {
    expect(await detectProtocol({ ...patient, host, port: plain.port })).toBe('meta')
  })

  test('is binary where only that is spoken', async () => {
    const memcached = await startMemcached({ trace: false, args: ['-B', 'binary'] })
    expect(await detectProtocol({ ...patient, host, port: memcached.port })).toBe('binary')
    await memcached.kill()
  })

  test('is meta where only text is spoken', async () => {
    const memcached = await startMemcached({ trace: false, args: ['-B', 'ascii'] })
    expect(await detectProtocol({ ...patient, host, port: memcached.port })).toBe('meta')
    await memcached.kill()
  })

  test('is not guessed when the server is away', async () => {
    await expect(detectProtocol({ host, port: 1 })).rejects.toMatchObject({ code: 'unavailable' })
  })
})

/** saslauthd's protocol: user, password, service and realm with their lengths, then OK or NO. */
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
