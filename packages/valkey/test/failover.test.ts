import { startValkeyCluster, until } from '@coatcheck/harness/valkey-cluster'
import { startValkeySentinels } from '@coatcheck/harness/valkey-sentinels'
import { startValkey } from '@coatcheck/harness/valkey'
import { startCut } from '@coatcheck/harness/valkey-cut'
import type { Cut } from '@coatcheck/harness/valkey-cut'
import type { ValkeyProcess } from '@coatcheck/harness/valkey'
import { Cluster, Valkey } from 'iovalkey'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startName } from './start-name.ts'
import { slotOf } from '../src/client/slot.ts'
import { valkeyStore } from '../src/store/valkey-store.ts'
import type { ValkeyStore } from '../src/store/valkey-store.ts'
import type { ValkeyStoreOptions } from '../src/store/store-options.ts'

const later = (): number => Date.now() + 600_000
const bytesOf = (count: number): Uint8Array => Uint8Array.of(count)

function open(options: ValkeyStoreOptions): ValkeyStore {
  const store = valkeyStore({ deadline: 5000, ...options })
  onTestFinished(() => store.close())
  return store
}

/** One session that counts up with saves that a replica confirms, until it is told to stop. */
interface Writer {
  readonly id: string
  /** The highest count that was confirmed. */
  confirmed: number
  readonly failed: string[]
  /** When it was saved first after the last failure; 0: not yet. */
  recoveredAt: number
}

/** Writers count, and none may find less than was confirmed. */
async function load(
  store: ValkeyStore,
  writers: readonly Writer[],
  isOver: () => boolean,
): Promise<void> {
  await Promise.all(
    writers.map(async (writer) => {
      while (!isOver()) {
        await countOnce(store, writer)
        await sleep(5)
      }
    }),
  )
}

async function countOnce(store: ValkeyStore, writer: Writer): Promise<void> {
  try {
    const found = await store.load(writer.id)
    const count = (found?.bytes[0] ?? 0) % 250
    if (found === null) throw new Error('a confirmed session is gone')
    if (count < writer.confirmed)
      throw new Error(`lost: ${writer.confirmed} was confirmed, ${count} is there`)
    const saved = await store.save(writer.id, bytesOf(count + 1), later(), found.version, true)
    if (saved === 'saved') {
      writer.confirmed = count + 1
      if (count + 1 === 249) await restart(store, writer)
    }
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error
    writer.failed.push((error as Error).message)
    writer.recoveredAt = 0
    return
  }
  writer.recoveredAt ||= performance.now()
}

async function restart(store: ValkeyStore, writer: Writer): Promise<void> {
  const { version } = (await store.load(writer.id))!
  writer.confirmed = 0
  await store.save(writer.id, bytesOf(0), later(), version, true)
}

async function createWriters(store: ValkeyStore, count: number): Promise<readonly Writer[]> {
  const writers = Array.from({ length: count }, (_, at) => ({
    id: `writer-${at}`,
    confirmed: 0,
    failed: [],
    recoveredAt: 0,
  }))
  await Promise.all(writers.map(({ id }) => store.create(id, bytesOf(0), later())))
  for (const writer of writers) await countOnce(store, writer)
  return writers
}

/** Ends sessions one after the other, until it is told to stop, and keeps the ids whose end was confirmed. */
async function endMany(store: ValkeyStore, ended: string[], isOver: () => boolean): Promise<void> {
  for (let at = 0; !isOver(); at++) {
    const id = `ended-${at}`
    try {
      await store.create(id, bytesOf(1), later())
      await store.delete(id)
      ended.push(id)
    } catch {
      // It was not confirmed: it may live or not.
    }
    await sleep(5)
  }
}

/**
 * Kills a server while sessions are written and ended, and lets that go on until all can be written again. Returns the ids
 * whose end was confirmed, before and after.
 */
async function killUnderLoad(
  store: ValkeyStore,
  writers: readonly Writer[],
  kill: () => Promise<void>,
): Promise<readonly string[]> {
  let isOver = false
  const ended: string[] = []
  const writing = load(store, writers, () => isOver)
  const ending = endMany(store, ended, () => isOver)
  const watching = (async () => {
    await until('twenty sign-outs are confirmed', async () => ended.length >= 20)
    await kill()
    await until('sessions fail, and then all can be written again', async () => {
      return (
        writers.some(({ failed }) => failed.length > 0) &&
        writers.every(({ recoveredAt }) => recoveredAt > 0)
      )
    })
    const before = ended.length
    await until('more sign-outs are confirmed', async () => ended.length >= before + 5)
  })()
  try {
    await Promise.race([watching, writing])
  } finally {
    isOver = true
  }
  await Promise.all([writing, ending, watching])
  return ended
}

async function expectKept(
  store: ValkeyStore,
  writers: readonly Writer[],
  ended: readonly string[],
): Promise<void> {
  for (const { id, confirmed } of writers) {
    expect((await store.load(id))?.bytes[0], id).toBeGreaterThanOrEqual(confirmed)
  }
  const revived = await Promise.all(ended.map((id) => store.load(id)))
  expect(revived.filter((found) => found !== null)).toHaveLength(0)
}

describe('a cluster of three primaries and three replicas', () => {
  it('keeps what was confirmed when a primary is killed under load, and the others go on', async () => {
    const cluster = await startValkeyCluster()
    onTestFinished(() => cluster.end())
    const [first] = cluster.nodes as [ValkeyProcess]
    for (const key of [
      'coatcheck:a',
      'coatcheck:sync:{coatcheck:a}',
      '{}x',
      '123456789',
      'a{b}c{d}',
    ]) {
      expect(slotOf(key)).toBe(await first.ask('cluster', 'keyslot', key))
    }
    const lone = open({ url: first.address })
    const ids = Array.from({ length: 20 }, (_, at) => `id-${at}`)
    const results = await Promise.allSettled(ids.map((id) => lone.load(id)))
    const codes = results.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
    expect(new Set(codes)).toEqual(new Set(['config']))

    await keepsThroughFailover(cluster)
  }, 120_000)
})

/** One cluster serves both tests: it takes seconds to begin. */
async function keepsThroughFailover(
  cluster: Awaited<ReturnType<typeof startValkeyCluster>>,
): Promise<void> {
  const nodes = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  const client = new Cluster(nodes, { lazyConnect: true, scaleReads: 'slave' })
  onTestFinished(() => client.disconnect())
  const store = open({ client })
  const report = await store.check()
  expect(report.servers.map(({ clusterState, replicas }) => [clusterState, replicas])).toEqual(
    Array(3).fill(['ok', 1]),
  )
  await firstDeleteIsConfirmed(cluster, store)
  const writers = await createWriters(store, 24)
  const [killed] = cluster.primaries as [ValkeyProcess]
  const isKilled = ({ id }: Writer): boolean => slotOf(`coatcheck:${id}`) <= 5460
  const ended = await killUnderLoad(store, writers, () => killed.kill())
  await expectKept(store, writers, ended)
  expect(writers.filter(isKilled).every(({ failed }) => failed.length > 0)).toBe(true)
  // Sessions of the other primaries are not touched.
  expect(writers.filter((writer) => !isKilled(writer)).flatMap(({ failed }) => failed)).toEqual([])

  // A store that is made while a server is away connects to the others, whichever it asks first.
  for (let at = 0; at < 12; at++) {
    const other = open({ client })
    expect(await other.load('nothing')).toBeNull()
    expect(await other.delete('nothing')).toBe('missing')
  }

  // Those of a second primary move to its replica, by order: the store follows MOVED.
  const [, replica] = cluster.replicas as [ValkeyProcess, ValkeyProcess]
  await replica.ask('cluster', 'failover')
  await until('the replica is primary', async () => (await replica.info('role')) === 'master')
  await until('it is followed', async () => {
    await Promise.all(writers.map((writer) => countOnce(store, writer)))
    return writers.every(({ recoveredAt }) => recoveredAt > 0)
  })
  await expectKept(store, writers, ended)
}

/** A store does not know the replicas before it has connected. */
async function firstDeleteIsConfirmed(
  cluster: Awaited<ReturnType<typeof startValkeyCluster>>,
  store: ValkeyStore,
): Promise<void> {
  await store.create('first', bytesOf(1), later())
  const url = cluster.primaries.map(({ address }) => address)
  const fresh = open({ url, cluster: true, deadline: 1500 })
  for (const replica of cluster.replicas) replica.pause()
  const ending = await fresh.delete('first').catch((error: Error) => error.message)
  for (const replica of cluster.replicas) replica.resume()
  expect(ending).toContain('0 of 1 replicas confirmed it')
}

describe('sentinels', () => {
  it('lead to the new primary when the old one is killed, and nothing confirmed is lost', async () => {
    const set = await startValkeySentinels()
    onTestFinished(() => set.end())
    const url = set.sentinels.map(({ address }) => address)
    // One that is frozen accepts connections.
    set.sentinels[0]!.pause()
    const client = new Valkey({
      sentinels: set.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
      name: set.name,
      lazyConnect: true,
    })
    for (const options of [{ url, sentinel: set.name }, { client }]) {
      expect(await open(options).load('nothing')).toBeNull()
    }
    set.sentinels[0]!.resume()
    const store = open({ url, sentinel: set.name })
    await store.check()
    const writers = await createWriters(store, 8)
    const ended = await killUnderLoad(store, writers, async () => (await set.primary()).kill())
    await expectKept(store, writers, ended)
    expect((await set.primary()).port).not.toBe(set.servers[0]!.port)
  }, 120_000)

  it('are asked again when no replica confirms: a primary that was frozen does not know that it is replaced', async () => {
    const set = await startValkeySentinels()
    onTestFinished(() => set.end())
    const url = set.sentinels.map(({ address }) => address)
    const store = open({ url, sentinel: set.name, confirm: { timeout: 300 } })
    for (const id of ['a', 'confirmed']) await store.create(id, bytesOf(1), later())
    expect(await store.delete('confirmed')).toBe('deleted')
    const old = await set.primary()
    // Else the sentinels tell it after some seconds.
    await old.ask('acl', 'setuser', 'default', '-replicaof', '-slaveof')
    old.pause()
    await until('another one is primary', async () => (await set.primary()).port !== old.port)
    old.resume()
    await until('its replicas are gone', async () => (await old.info('connected_slaves')) === '0')

    const next = await set.primary()
    const there = open({ url: next.address, confirm: false })
    await there.create('begun', bytesOf(1), later())
    // That one does not have it is no answer of a server that is not the primary.
    const message = expect.stringContaining('0 of 1 replicas')
    await expect(store.delete('begun')).rejects.toMatchObject({ message })
    let count = 0
    await until('it is followed', async () => {
      await store.create(`id-${++count}`, bytesOf(1), later())
      return (await next.ask('exists', `coatcheck:id-${count}`)) === 1
    })
    await until('it lives there', async () => (await store.load('begun'))?.bytes[0] === 1)
    await until('it is ended there', async () => (await store.delete('begun')) === 'deleted')
    expect(await next.ask('exists', 'coatcheck:begun')).toBe(0)
  }, 120_000)
})

describe('a server that becomes a replica', () => {
  it('is left: the name leads to another one, and the refused command is carried out there', async () => {
    const [old, next] = await Promise.all([startValkey(), startValkey()])
    onTestFinished(() => Promise.all([old.end(), next.end()]).then(() => {}))
    // The name is a proxy here, as it is for managed servers.
    const { name, lead } = await startName(old.port)
    const store = open({ url: name })
    await store.create('a', bytesOf(1), later())
    await old.ask('replicaof', '127.0.0.1', String(next.port))
    lead(next.port)
    expect(await store.create('b', bytesOf(2), later())).toBe(true)
    expect(await next.ask('exists', 'coatcheck:b')).toBe(1)
  })

  it.each(['has lost its primary', 'loads the data of its primary'])(
    'is left also while it %s, and refuses all commands',
    async (state) => {
      const { store, demoted, next, link } = await startDemotion()
      await (state === 'has lost its primary' ? lose(demoted, link) : loadSlowly(demoted))
      for (const id of ['a', 'b']) await next.create(id, bytesOf(1), later())
      const [a, b] = [await next.load('a'), await next.load('b')]
      // The new primary has no replica that could confirm.
      const message = expect.stringContaining('has carried it out')
      await expect(store.delete('a', a!.version)).rejects.toMatchObject({ message })
      expect(await store.save('b', bytesOf(2), later(), b!.version)).toBe('saved')
    },
  )

  it('is asked nothing more: neither what it has kept nor what it does not have is an answer', async () => {
    const { store, demoted, next, lag } = await startDemotion()
    await next.delete('ended')
    for (const id of ['begun', 'other']) await next.create(id, bytesOf(1), later())
    const [begun, other] = [await next.load('begun'), await next.load('other')]
    expect(await demoted.ask('exists', 'coatcheck:ended')).toBe(1)
    expect(await demoted.ask('exists', 'coatcheck:begun', 'coatcheck:other')).toBe(0)

    // The first has a connection for writes that replicas confirm, the others that for all commands.
    const message = expect.stringContaining('has carried it out')
    await expect(store.delete('begun', begun!.version)).rejects.toMatchObject({ message })
    expect(await lag().load('ended')).toBeNull()
    expect(await lag().save('other', bytesOf(2), later(), other!.version)).toBe('saved')
    expect(await next.load('begun')).toBeNull()
  })
})

/** A name that leads to a server whose place another one takes, and stores that are still connected to it. */
async function startDemotion() {
  const args = ['--repl-diskless-sync-delay', '0']
  const [old, next] = await Promise.all([startValkey({ args }), startValkey({ args })])
  const link = await startCut(next.port)
  onTestFinished(async () => {
    link.end()
    await Promise.all([old.end(), next.end()])
  })
  await next.ask('replicaof', '127.0.0.1', String(old.port))
  await until('it has a replica', async () => (await old.info('slave0')).includes('state=online'))
  const { name, lead } = await startName(old.port)
  const confirm = { timeout: 500 }
  const stores = Array.from({ length: 3 }, () => open({ url: name, confirm }))
  const [store] = stores as [ValkeyStore]
  await store.create('ended', bytesOf(1), later())
  const { version } = (await store.load('ended'))!
  for (const each of stores) {
    // Both of its connections are there, and the server has the scripts.
    await each.save('ended', bytesOf(1), later(), version).catch(() => {})
    await each.delete('nothing', version)
  }
  await until('the replica has it', async () => {
    return (await next.ask('exists', 'coatcheck:ended')) === 1
  })
  await next.ask('replicaof', 'no', 'one')
  await old.ask('replicaof', '127.0.0.1', String(link.port))
  await until('it follows', async () => (await old.info('master_link_status')) === 'up')
  lead(next.port)
  link.cut()
  return {
    store,
    demoted: old,
    next: open({ url: next.address, confirm: false }),
    link,
    lag: () => stores.pop()!,
  }
}

/** The server has no primary that it could follow, and must not answer with what it has. */
async function lose(demoted: ValkeyProcess, link: Cut): Promise<void> {
  await demoted.ask('config', 'set', 'replica-serve-stale-data', 'no')
  link.end()
  await until('it is cut off', async () => (await demoted.info('master_link_status')) === 'down')
}

/** The server takes seconds to load what it has got from a primary. */
async function loadSlowly(demoted: ValkeyProcess): Promise<void> {
  const primary = await startValkey({ args: ['--repl-diskless-sync-delay', '0'] })
  onTestFinished(() => primary.end())
  for (let at = 0; at < 200; at++) await primary.ask('set', `key${at}`, 'x'.repeat(2000))
  const slow = ['key-load-delay', '50000', 'loading-process-events-interval-bytes', '1024']
  await demoted.ask('config', 'set', ...slow, 'rdbcompression', 'no')
  await primary.ask('config', 'set', 'rdbcompression', 'no')
  await demoted.ask('replicaof', '127.0.0.1', String(primary.port))
  await until('it loads', async () => (await demoted.info('loading')) === '1')
}
