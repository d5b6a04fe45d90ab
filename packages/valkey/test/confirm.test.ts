import { createSessions } from '@coatcheck/core'
import type { Sessions } from '@coatcheck/core'
import { startValkey } from '@coatcheck/harness/valkey'
import type { ValkeyProcess } from '@coatcheck/harness/valkey'
import { startCut } from '@coatcheck/harness/valkey-cut'
import type { Cut } from '@coatcheck/harness/valkey-cut'
import { until } from '@coatcheck/harness/valkey-cluster'
import { startName } from './start-name.ts'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { valkeyStore } from '../src/store/valkey-store.ts'
import type { ValkeyStore } from '../src/store/valkey-store.ts'
import type { ValkeyStoreOptions } from '../src/store/store-options.ts'

interface Data {
  visits?: number
}

const secrets = ['a secret of at least 32 characters, for tests']
const soon = (): number => Date.now() + 60_000
const bytes = Uint8Array.of(1, 2, 3)

let primary: ValkeyProcess
let replica: ValkeyProcess
/** Between the two. */
let link: Cut

beforeEach(async () => {
  const args = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '3600']
  primary = await startValkey({ args })
  link = await startCut(primary.port)
  replica = await startValkey({ args: [...args, '--replicaof', '127.0.0.1', String(link.port)] })
  await until('the replica is connected', async () => {
    await primary.ask('publish', 'anything', '')
    return (await acknowledged()) > 0
  })
  return async () => {
    link.end()
    await replica.end()
    await primary.end()
  }
})

/** What the replica has told that it has. */
async function acknowledged(): Promise<number> {
  return Number(/state=online,offset=(\d+)/.exec(await primary.info('slave0'))?.[1] ?? 0)
}

function open(options: Partial<ValkeyStoreOptions> = {}): ValkeyStore {
  const store = valkeyStore({ url: `valkey://${primary.address}`, deadline: 1000, ...options })
  onTestFinished(() => store.close())
  return store
}

async function begin(sessions: Sessions<Data>): Promise<string> {
  const { session, commit } = await sessions.open('')
  session.data.visits = 1
  session.signIn('ann')
  const { cookie } = await commit()
  return `${cookie?.name}=${cookie?.value}`
}

/** The replica becomes the primary, as in a failover, and the store is led to it. */
async function failOver(): Promise<ValkeyStore> {
  await primary.kill()
  await replica.ask('replicaof', 'no', 'one')
  const store = valkeyStore({ url: `valkey://${replica.address}`, deadline: 1000 })
  onTestFinished(() => store.close())
  return store
}

describe('a sign-out', () => {
  it('that a replica has confirmed is one after a failover', async () => {
    const sessions = createSessions<Data>({ store: open(), secrets })
    const cookie = await begin(sessions)
    const { session, commit } = await sessions.open(cookie)
    session.destroy()
    expect(await commit()).toMatchObject({ outcome: 'destroyed', failure: null })
    const after = createSessions<Data>({ store: await failOver(), secrets })
    expect((await after.open(cookie)).session.state).toBe('new')
  })

  it('is unconfirmed while the replica is cut off, and confirmed when it is back', async () => {
    const store = open()
    const sessions = createSessions<Data>({ store, secrets, onEvent: () => {} })
    const cookie = await begin(sessions)
    const { session, commit } = await sessions.open(cookie)
    link.cut()
    session.destroy()
    expect(await commit()).toMatchObject({ outcome: 'unconfirmed', cookie: null })
    // What this process reads is not taken for done either.
    expect((await sessions.open(cookie)).session.state).not.toBe('live')
    link.mend()
    const id = session.id as string
    await until('the sign-out is confirmed', async () => (await store.load(id)) === null)
    expect(await replica.ask('exists', `coatcheck:${id}`)).toBe(0)
    const again = await sessions.open(cookie)
    expect(again.session.state).toBe('new')
  })

  it('without confirm is lost in a failover: the session lives again', async () => {
    const sessions = createSessions<Data>({ store: open({ confirm: false }), secrets })
    const cookie = await begin(sessions)
    await until('the replica has the session', async () => Number(await replica.ask('dbsize')) > 1)
    const { session, commit } = await sessions.open(cookie)
    link.cut()
    session.destroy()
    expect(await commit()).toMatchObject({ outcome: 'destroyed', failure: null })
    const after = createSessions<Data>({ store: await failOver(), secrets })
    expect((await after.open(cookie)).session.state).toBe('live')
  })
})

describe('while the replica is cut off', () => {
  it('a sign-in is a failure, and so is a revocation; a change is not', async () => {
    const sessions = createSessions<Data>({ store: open(), secrets, onEvent: () => {} })
    const cookie = await begin(sessions)
    link.cut()
    const changing = await sessions.open(cookie)
    changing.session.data.visits = 2
    expect((await changing.commit()).outcome).toBe('saved')
    const moving = await sessions.open(cookie)
    moving.session.renew()
    const moved = await moving.commit()
    expect(moved.failure).not.toBeNull()
    expect(moved.cookie).toBeNull()
    expect(await sessions.revoke('ann')).toBe('unconfirmed')
  })

  it('a token rotates all the same: its visitor would lose the session with the old one', async () => {
    let skew = 0
    const sessions = createSessions<Data>({
      store: open(),
      secrets,
      lifetime: { rotate: 60 },
      onEvent: () => {},
      testing: { now: () => Date.now() + skew },
    })
    const cookie = await begin(sessions)
    link.cut()
    skew = 61_000
    const { session, commit } = await sessions.open(cookie)
    expect(session.data.visits).toBe(1)
    const rotated = await commit()
    expect(rotated).toMatchObject({ outcome: 'rotated', failure: null })
    const header = `${rotated.cookie?.name}=${rotated.cookie?.value}`
    expect((await sessions.open(header)).session.data.visits).toBe(1)
  })

  it('a write that ends something is refused with an error that says what the primary did', async () => {
    const store = open({ confirm: { replicas: 1, timeout: 50 } })
    await store.create('a', bytes, soon())
    const { version } = (await store.load('a'))!
    link.cut()
    expect(await store.save('a', bytes, soon(), version)).toBe('saved')
    await expect(store.delete('a')).rejects.toMatchObject({
      code: 'unavailable',
      answered: true,
      message: expect.stringContaining('0 of 1 replicas confirmed it within 50 ms'),
    })
    // It is gone, but a load must not say so.
    await expect(store.load('a')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await store.load('another')).toBeNull()
    link.mend()
    await expect.poll(() => store.load('a').catch(() => 'unconfirmed')).toBeNull()
  })

  it('many sign-outs wait together, and other requests do not wait for them', async () => {
    const store = open({ confirm: { replicas: 1, timeout: 200 } })
    const ids = Array.from({ length: 50 }, (_, at) => `id${at}`)
    await Promise.all(ids.map((id) => store.create(id, bytes, soon())))
    await store.delete('warm')
    link.cut()
    const before = await primary.commands()
    const ended: string[] = []
    const deletes = ids.map((id) => store.delete(id).catch(() => ended.push('delete')))
    await Promise.all(ids.map((id) => store.load(`other${id}`).then(() => ended.push('load'))))
    await Promise.all(deletes)
    expect(ended.slice(0, 50)).toEqual(Array(50).fill('load'))
    const after = await primary.commands()
    expect((after['wait'] ?? 0) - (before['wait'] ?? 0)).toBeLessThanOrEqual(2)
  })
})

describe('a primary that was replaced, and still counts its old replica', () => {
  it('ends nothing: what it does not have may have begun on the new one', async () => {
    const store = open({ confirm: { timeout: 200 } })
    await store.delete('warm')
    // WAIT has nothing to wait for then.
    await until('the replica has everything', async () => {
      return (await acknowledged()) === Number(await primary.info('master_repl_offset'))
    })
    const next = await replace()
    await next.create('begun', bytes, soon())
    await expect(store.delete('begun')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('0 of 1 replicas'),
    })
    expect(await primary.info('connected_slaves')).toBe('1')
  })

  it('shows what has ended on the new one, unless it must have a replica to answer', async () => {
    const store = open()
    await store.create('a', bytes, soon())
    await until(
      'the replica has it',
      async () => (await replica.ask('exists', 'coatcheck:a')) === 1,
    )
    const next = await replace()
    expect(await next.delete('a')).toBe('deleted')
    expect((await store.load('a'))?.bytes).toEqual(Buffer.from(bytes))
    await primary.ask('config', 'set', 'min-replicas-max-lag', '1')
    await primary.ask('config', 'set', 'min-replicas-to-write', '1')
    await expect.poll(() => store.load('a').catch((error) => error.code)).toBe('unavailable')
  })

  it('does not say what became of a sign-out that it alone has carried out', async () => {
    const { name, lead } = await startName(primary.port)
    const store = open({ url: name, confirm: { timeout: 200 } })
    await store.create('a', bytes, soon())
    await store.delete('warm')
    await until(
      'the replica has it',
      async () => (await replica.ask('exists', 'coatcheck:a')) === 1,
    )
    link.cut()
    await expect(store.delete('a')).rejects.toMatchObject({ code: 'unavailable' })
    const other = await startValkey({ args: ['--replicaof', '127.0.0.1', String(replica.port)] })
    onTestFinished(() => other.end())
    await replace()
    await until('the new one has a replica', async () => {
      return (await replica.info('slave0')).includes('state=online')
    })
    lead(replica.port)
    // The connection for sign-outs leads to the new one, that for reads to the old one.
    const [confirming] = /id=\d+(?=.* cmd=wait )/.exec(String(await primary.ask('client', 'list')))!
    await primary.ask('client', 'kill', 'id', confirming.slice(3))
    let found: Awaited<ReturnType<ValkeyStore['load']>> | undefined
    await until('there is an answer', async () => {
      found = await store.load('a').catch(() => undefined)
      return found !== undefined
    })
    expect(found?.bytes).toEqual(Buffer.from(bytes))
    expect(await primary.ask('exists', 'coatcheck:a')).toBe(0)
  })
})

/** The replica is made the primary, and the old one does not notice. Resolves with a store on the new one. */
async function replace(): Promise<ValkeyStore> {
  link.cut()
  await replica.ask('replicaof', 'no', 'one')
  return open({ url: replica.address, confirm: false })
}

describe('a server that is full', () => {
  it('refuses what would end something, and the record that is as it was can be read', async () => {
    const store = open()
    await store.create('a', bytes, soon())
    const { version } = (await store.load('a'))!
    await primary.ask('config', 'set', 'maxmemory', '1')
    const ending = store.save('a', new Uint8Array(9), soon(), version, true)
    await expect(ending).rejects.toMatchObject({ code: 'overloaded', answered: true })
    expect((await store.load('a'))!.bytes).toEqual(Buffer.from(bytes))
    // A sign-out takes no memory.
    expect(await store.delete('a', version)).toBe('deleted')
  })
})

describe('without a replica', () => {
  it('nothing waits, and a sign-out is one command', async () => {
    await primary.end()
    primary = await startValkey()
    const store = open()
    await store.create('a', bytes, soon())
    expect(await store.delete('a')).toBe('deleted')
    expect(await store.delete('a')).toBe('missing')
    const { del, wait } = await primary.commands()
    expect([del, wait]).toEqual([2, undefined])
  })

  it('a confirmation that is asked for is refused', async () => {
    await primary.end()
    primary = await startValkey()
    const store = open({ confirm: {} })
    await store.create('a', bytes, soon())
    await expect(store.delete('a')).rejects.toMatchObject({ code: 'unavailable', answered: true })
  })
})
