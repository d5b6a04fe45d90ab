import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { startValkey } from '@coatcheck/harness/valkey'
import type { ValkeyOptions, ValkeyProcess } from '@coatcheck/harness/valkey'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { StoreError } from '@coatcheck/core/remote'
import { Redis } from 'ioredis'
import { Valkey } from 'iovalkey'
import { valkeyStore } from '../src/store/valkey-store.ts'
import type { ValkeyStore } from '../src/store/valkey-store.ts'
import type { ValkeyStoreOptions } from '../src/store/store-options.ts'

const soon = (): number => Date.now() + 60_000
const bytes = Uint8Array.of(1, 2, 3)

async function start(options?: ValkeyOptions): Promise<ValkeyProcess> {
  const valkey = await startValkey(options)
  onTestFinished(() => valkey.end())
  return valkey
}

function open(valkey: ValkeyProcess, options: Partial<ValkeyStoreOptions> = {}): ValkeyStore {
  const store = valkeyStore({ url: `valkey://${valkey.address}`, deadline: 1000, ...options })
  onTestFinished(() => store.close())
  return store
}

const errorOf = (work: Promise<unknown>): Promise<StoreError> =>
  work.then(
    () => expect.fail('it did not reject'),
    (error: StoreError) => error,
  )

describe('an error has the code', () => {
  it('auth, if there is a password and none is given, or a wrong one', async () => {
    const valkey = await start({ args: ['--requirepass', 'hunter2'] })
    const url = (password: string): string => `valkey://:${password}@${valkey.address}`
    for (const store of [open(valkey), open(valkey, { url: url('wrong') })]) {
      expect(await errorOf(store.load('a'))).toMatchObject({ code: 'auth' })
      expect(await errorOf(store.check())).toMatchObject({ code: 'auth' })
    }
    expect(await open(valkey, { url: url('hunter2') }).load('a')).toBeNull()
    const apart = open(valkey, { password: 'hunter2' })
    expect(await apart.load('a')).toBeNull()
  })

  it('auth, if the user may not run a command, and works with the rights that the README lists', async () => {
    const valkey = await start()
    const rights = ['~coatcheck:*', '+getex', '+set', '+del', '+getrange']
    const scripts = ['+evalsha', '+eval', '+wait', '+info', '+ping']
    await valkey.ask('acl', 'setuser', 'ann', 'on', '>pass', ...rights, ...scripts)
    await valkey.ask(
      'acl',
      'setuser',
      'bob',
      'on',
      '>pass',
      '~coatcheck:*',
      '+get',
      '+ping',
      '+info',
    )
    await valkey.ask('acl', 'setuser', 'eve', 'on', '>pass', '~other:*', '+@all')
    const ann = open(valkey, { username: 'ann', password: 'pass' })
    expect((await ann.check()).servers).toHaveLength(1)
    for (const username of ['bob', 'eve']) {
      const store = open(valkey, { username, password: 'pass' })
      expect(await errorOf(store.create('a', bytes, soon()))).toMatchObject({ code: 'auth' })
    }
  })

  it('overloaded, if the server is full', async () => {
    const valkey = await start({
      args: ['--maxmemory', '1500kb', '--maxmemory-policy', 'noeviction'],
    })
    const store = open(valkey)
    await store.create('small', bytes, soon())
    const { version } = (await store.load('small'))!
    const fill = async (): Promise<void> => {
      for (let at = 0; at < 100; at++) await store.create(`${at}`, new Uint8Array(100_000), soon())
    }
    expect(await errorOf(fill())).toMatchObject({ code: 'overloaded', answered: true })
    const saving = store.save('small', new Uint8Array(100_000), soon(), version)
    expect(await errorOf(saving)).toMatchObject({ code: 'overloaded', answered: true })
    expect((await store.load('small'))!.bytes).toEqual(Buffer.from(bytes))
  })

  it('overloaded, if too many commands or bytes are under way', async () => {
    const valkey = await start()
    const few = open(valkey, { maxInFlight: 2 })
    const results = await Promise.allSettled([few.load('a'), few.load('b'), few.load('c')])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect((results[2] as PromiseRejectedResult).reason).toMatchObject({
      code: 'overloaded',
      sent: false,
    })
    const small = open(valkey, { maxQueuedBytes: 1000 })
    const creating = small.create('a', new Uint8Array(2000), soon())
    expect(await errorOf(creating)).toMatchObject({ code: 'overloaded', sent: false })
  })

  it('too-large, and the record is as it was', async () => {
    const store = open(await start(), { maxBytes: 3 })
    await store.create('a', bytes, soon())
    const { version } = (await store.load('a'))!
    const saving = store.save('a', new Uint8Array(4), soon(), version)
    expect(await errorOf(saving)).toMatchObject({ code: 'too-large', sent: false })
    expect(await store.save('a', bytes, soon(), version)).toBe('saved')
  })

  it('config, if the key holds another type', async () => {
    const valkey = await start()
    await valkey.ask('lpush', 'coatcheck:list', 'x')
    expect(await errorOf(open(valkey).load('list', soon()))).toMatchObject({ code: 'config' })
  })

  it('config, if the certificate is not trusted', async () => {
    const { valkey, ca, url } = await startTls()
    expect(await errorOf(open(valkey, { url }).load('a'))).toMatchObject({ code: 'config' })
    const store = open(valkey, { url, tls: { ca } })
    expect(await store.create('a', bytes, soon())).toBe(true)
    expect((await store.load('a'))!.bytes).toEqual(Buffer.from(bytes))
  })

  it('config, if the server does not have the database, and auth, if the user may not select it', async () => {
    const valkey = await start()
    await valkey.ask('acl', 'setuser', 'ann', 'on', '>pass', '~*', '+@all', '-select')
    const url = `valkey://${valkey.address}/99`
    const client = new Valkey(valkey.port, '127.0.0.1', {
      db: 99,
      lazyConnect: true,
      enableReadyCheck: false,
    })
    for (const options of [{ url }, { client, url: undefined as never }]) {
      const error = await errorOf(open(valkey, options).create('a', bytes, soon()))
      expect(error).toMatchObject({ code: 'config', sent: false })
      expect(error.message).toContain('no database')
    }
    const login = { url: `valkey://ann:pass@${valkey.address}/3` }
    const refused = await errorOf(open(valkey, login).create('a', bytes, soon()))
    expect(refused).toMatchObject({ code: 'auth', sent: false })
    // It is not the one of number 0 that is used instead.
    expect(await valkey.ask('dbsize')).toBe(0)
    const there = open(valkey, { url: `valkey://${valkey.address}/3` })
    expect(await there.create('a', bytes, soon())).toBe(true)
    expect(await valkey.ask('info', 'keyspace')).toContain('db3:keys=1')
  })

  it('config, for an id or a version that cannot be one', async () => {
    const store = open(await start())
    for (const id of ['', 'a b', '{a}', 'ä']) {
      expect(await errorOf(store.load(id))).toMatchObject({ code: 'config', sent: false })
    }
    expect(await errorOf(store.create('a', bytes, Number.NaN))).toMatchObject({ code: 'config' })
    const saving = store.save('a', bytes, soon(), 'x' as never)
    expect(await errorOf(saving)).toMatchObject({ code: 'config' })
  })

  it('unavailable, for reads as well, if the server misses the replicas that it must have', async () => {
    const valkey = await start()
    const store = open(valkey)
    await store.create('a', bytes, soon())
    await valkey.ask('config', 'set', 'min-replicas-to-write', '1')
    for (const loading of [store.load('a'), store.load('a', soon())]) {
      expect(await errorOf(loading)).toMatchObject({ code: 'unavailable', answered: true })
    }
    await valkey.ask('config', 'set', 'min-replicas-to-write', '0')
    expect((await store.load('a'))!.bytes).toEqual(Buffer.from(bytes))
  })

  it('unavailable, if nothing listens, and then works when it does', async () => {
    const valkey = await start()
    const store = open(valkey)
    expect(await store.load('a')).toBeNull()
    await valkey.kill()
    expect(await errorOf(store.load('a'))).toMatchObject({ code: 'unavailable' })
    await valkey.restart()
    await expect.poll(() => store.load('a').catch(() => 'down')).toBeNull()
  })
})

describe('an error', () => {
  it('names the server, and no key, value or password', async () => {
    const valkey = await start({ args: ['--requirepass', 'hunter2'] })
    const store = open(valkey, { url: `valkey://:wrongpassword@${valkey.address}` })
    const text = inspect(await errorOf(store.create('SECRETID', Buffer.from('VALUE'), soon())), {
      depth: 10,
    })
    expect(text).toContain(valkey.address)
    const list = open(await start())
    await list.create('SECRETID', Buffer.from('VALUE'), soon())
    const wrong = await errorOf(
      list.save('SECRETID', Buffer.from('VALUE'), soon(), 'WRONG' as never),
    )
    for (const each of [text, inspect(wrong, { depth: 10 })]) {
      expect(each).not.toMatch(/SECRETID|VALUE|hunter2|wrongpassword|56 41 4c/)
    }
  })

  it('of a script that fails has no value in it either', async () => {
    const valkey = await start()
    const store = open(valkey)
    await store.create('SECRETID', bytes, soon())
    const { version } = (await store.load('SECRETID'))!
    await valkey.ask('del', 'coatcheck:SECRETID')
    await valkey.ask('lpush', 'coatcheck:SECRETID', 'x')
    const error = await errorOf(store.save('SECRETID', Buffer.from('VALUE'), soon(), version))
    expect(error).toMatchObject({ code: 'config', answered: true })
    expect(inspect(error, { depth: 10 })).not.toMatch(/SECRETID|VALUE|56 41 4c/)
  })
})

describe('scripts', () => {
  it('are loaded again after SCRIPT FLUSH, with one more command', async () => {
    const valkey = await start()
    const store = open(valkey)
    await store.create('a', bytes, soon())
    const saveOnce = async (): Promise<string> =>
      store.save('a', bytes, soon(), (await store.load('a'))!.version)
    expect(await saveOnce()).toBe('saved')
    const before = await valkey.commands()
    expect(await saveOnce()).toBe('saved')
    const between = await valkey.commands()
    await valkey.ask('script', 'flush')
    expect(await saveOnce()).toBe('saved')
    const after = await valkey.commands()
    expect(between['evalsha']! - before['evalsha']!).toBe(1)
    expect(between['eval']).toBe(before['eval'])
    expect(after['eval']! - between['eval']!).toBe(1)
  })
})

describe('check', () => {
  it('says what the server is, and warns of what ends or revives sessions', async () => {
    const valkey = await start()
    const plain = await open(valkey).check()
    expect(plain.servers[0]).toMatchObject({
      node: valkey.address,
      policy: 'noeviction',
      replicas: 0,
    })
    expect(plain.warnings).toEqual([expect.stringContaining('saves nothing to its disk')])

    const limits = ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru']
    const evicting = await start({ args: [...limits, '--appendonly', 'yes'] })
    expect((await open(evicting).check()).warnings).toEqual([
      expect.stringContaining('maxmemory-policy allkeys-lru evicts sessions'),
    ])
    await evicting.ask('config', 'set', 'maxmemory', '0', 'appendonly', 'no', 'save', '60 1')
    expect((await open(evicting).check()).warnings).toEqual([
      expect.stringContaining('sessions that have ended since then live again'),
    ])
    const strict = open(valkey, { confirm: { replicas: 2 } })
    expect(await errorOf(strict.check())).toMatchObject({ code: 'unavailable' })
  })

  it('says the same over a client of the app that reads answers as RESP3 has them', async () => {
    const valkey = await start()
    const client = new Redis(valkey.port, '127.0.0.1', { lazyConnect: true, replyMapping: 'resp3' })
    onTestFinished(() => client.disconnect())
    const { servers } = await open(valkey, { client, url: undefined as never }).check()
    expect(servers).toEqual((await open(valkey).check()).servers)
  })

  it('leaves nothing behind', async () => {
    const valkey = await start()
    await open(valkey).check()
    expect(await valkey.ask('dbsize')).toBe(0)
  })
})

async function startTls(): Promise<{ valkey: ValkeyProcess; ca: Buffer; url: string }> {
  const plain = await start()
  const [cert, key] = [join(plain.folder, 'cert.pem'), join(plain.folder, 'key.pem')]
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  const subject = ['-subj', '/CN=localhost', '-addext', names]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const files = ['-keyout', key, '-out', cert]
  execFileSync(
    'openssl',
    ['req', '-x509', '-nodes', '-days', '2', ...curve, ...files, ...subject],
    {
      stdio: 'ignore',
    },
  )
  const tls = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no']
  const port = plain.port + 1
  const valkey = await start({
    args: ['--tls-port', String(port), '--tls-ca-cert-file', cert, ...tls],
  })
  return { valkey, ca: readFileSync(cert), url: `valkeys://localhost:${port}` }
}
