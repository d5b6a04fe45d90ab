import { describe, expect, test } from 'vitest'
import { StoreError } from '@coatcheck/core/remote'
import type { Client } from '../protocol/client.ts'
import { createCluster } from './cluster.ts'
import type { Ranking } from './hashed-server.ts'

const bytes = Uint8Array.of(1)

/** A server that keeps values in memory and records its commands. */
function fakeServer() {
  const values = new Map<string, { value: Uint8Array; cas: Uint8Array }>()
  const server = { asked: [] as string[], isDown: false, values }
  let lastCas = 0
  const reach = async (command: string): Promise<void> => {
    server.asked.push(command)
    if (server.isDown) throw new StoreError('unavailable', 'No', { sent: true })
  }
  const store = (key: string, value: Uint8Array) => {
    values.set(key, { value, cas: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, ++lastCas) })
  }
  const differs = (key: string, cas?: Uint8Array) => cas && values.get(key)!.cas[7] !== cas[7]
  const client: Client = {
    async get(key, ttl) {
      await reach(ttl === undefined ? 'get' : `get ${ttl}`)
      return values.get(key) ?? null
    },
    async add(key, value) {
      await reach('add')
      if (values.has(key)) return false
      store(key, value)
      return true
    },
    async replace(key, value, _ttl, cas) {
      await reach('replace')
      if (!values.has(key)) return 'missing'
      if (differs(key, cas)) return 'conflict'
      store(key, value)
      return 'saved'
    },
    async delete(key, cas) {
      await reach('delete')
      if (!values.has(key)) return 'missing'
      if (differs(key, cas)) return 'conflict'
      values.delete(key)
      return 'deleted'
    },
    async check() {},
    close() {},
  }
  return Object.assign(server, { client })
}

/** For keys that begin with a digit, that server ranks first and the next of three ranks second. */
const byDigit: Ranking = (key) => [Number(key[0]), (Number(key[0]) + 1) % 3]

function start(asksSecond: boolean, rank = byDigit, moves = false) {
  const servers = [fakeServer(), fakeServer(), fakeServer()]
  const clients = servers.map(({ client }) => client)
  const asked = () => servers.map((server) => server.asked.splice(0).join(','))
  return {
    servers,
    asked,
    cluster: createCluster({ servers: clients, rank, asksSecond, moves: () => moves }),
  }
}

describe('several servers', () => {
  test('are asked at the first server of the key, once (twice where an id is taken)', async () => {
    const { cluster, asked } = start(false)
    expect(await cluster.add('1k', bytes, 60)).toBe(true)
    expect(await cluster.add('1k', bytes, 60)).toBe(false)
    const { version, bytes: value } = (await cluster.get('1k', 60))!
    expect(value).toBe(bytes)
    expect(version.node).toBe(1)
    expect(await cluster.replace('1k', bytes, 60, version)).toBe('saved')
    expect(await cluster.replace('1k', bytes, 60, version)).toBe('conflict')
    expect(await cluster.delete('1k', version)).toBe('conflict')
    expect(await cluster.delete('1k')).toBe('deleted')
    expect(await cluster.get('1k')).toBeNull()
    expect(await cluster.delete('1k')).toBe('missing')
    const all = 'add,add,get,get 60,replace,replace,delete,delete,get,delete'
    expect(asked()).toEqual(['', all, ''])
  })

  test('have no failover: what belongs to a server that is down is unavailable', async () => {
    for (const asksSecond of [false, true]) {
      const { cluster, servers, asked } = start(asksSecond)
      await cluster.add('0k', bytes, 60)
      const { version } = (await cluster.get('0k'))!
      servers[0]!.isDown = true
      asked()
      const refusal = { code: 'unavailable' }
      await expect(cluster.get('0k', 60)).rejects.toMatchObject(refusal)
      await expect(cluster.add('0new', bytes, 60)).rejects.toMatchObject(refusal)
      await expect(cluster.replace('0k', bytes, 60, version)).rejects.toMatchObject(refusal)
      await expect(cluster.delete('0k', version)).rejects.toMatchObject(refusal)
      expect(asked().slice(1)).toEqual(['', ''])
      await expect(cluster.delete('0k')).rejects.toMatchObject(refusal)
      expect(servers[1]!.values.size).toBe(0)
    }
  })

  test('keep the sessions of others available when one is down', async () => {
    for (const asksSecond of [false, true]) {
      const { cluster, servers } = start(asksSecond)
      await cluster.add('1k', bytes, 60)
      servers[0]!.isDown = true
      const found = (await cluster.get('1k', 60))!
      expect(await cluster.replace('1k', bytes, 60, found.version)).toBe('saved')
      expect(await cluster.add('2k', bytes, 60)).toBe(true)
      expect(await cluster.delete('1k')).toBe('deleted')
    }
  })
})

describe('several servers of which the second is asked', () => {
  test('find there what the first does not have, with the expiry moved', async () => {
    const { cluster, servers, asked } = start(true)
    servers[2]!.values.set('1k', { value: bytes, cas: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9) })
    const found = (await cluster.get('1k', 60))!
    expect(found.version.node).toBe(2)
    expect(asked()).toEqual(['', 'get 60', 'get 60'])
  })

  test('save and delete it where it was found, and nowhere else', async () => {
    const { cluster, servers, asked } = start(true)
    await servers[2]!.client.add('1k', bytes, 60)
    const first = (await cluster.get('1k'))!
    asked()
    expect(await cluster.replace('1k', bytes, 60, first.version)).toBe('saved')
    const second = (await cluster.get('1k'))!
    expect(await cluster.delete('1k', second.version)).toBe('deleted')
    expect(asked()).toEqual(['', 'get', 'replace,get,delete'])
    expect(servers[1]!.values.size + servers[2]!.values.size).toBe(0)
  })

  test('are not asked for the second where the first has it', async () => {
    const { cluster, asked } = start(true)
    await cluster.add('1k', bytes, 60)
    await cluster.get('1k', 60)
    expect(asked()).toEqual(['', 'add,get 60', ''])
  })

  test('forget it on both, whichever has it', async () => {
    for (const place of [[1], [2], [1, 2]]) {
      const { cluster, servers, asked } = start(true)
      for (const server of place) await servers[server]!.client.add('1k', bytes, 60)
      asked()
      expect(await cluster.delete('1k')).toBe('deleted')
      expect(asked()).toEqual(['', 'delete', 'delete'])
      expect(await cluster.get('1k')).toBeNull()
      expect(await cluster.delete('1k')).toBe('missing')
    }
  })

  test('do not say deleted while one of the two has not confirmed it', async () => {
    for (const down of [1, 2]) {
      const { cluster, servers } = start(true)
      await servers[3 - down]!.client.add('1k', bytes, 60)
      servers[down]!.isDown = true
      await expect(cluster.delete('1k')).rejects.toMatchObject({ code: 'unavailable' })
      expect(servers[3 - down]!.values.size).toBe(0)
    }
  })

  test('do not take a second that is down for a miss', async () => {
    const { cluster, servers } = start(true)
    servers[2]!.isDown = true
    await expect(cluster.get('1k')).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('have no second where there is one server only', async () => {
    const { cluster, asked } = start(true, () => [0, -1])
    expect(await cluster.get('k')).toBeNull()
    expect(await cluster.delete('k')).toBe('missing')
    expect(asked()).toEqual(['get,delete', '', ''])
  })

  test('are asked for what neither has: first, second, first', async () => {
    const { cluster, asked } = start(true)
    expect(await cluster.get('1k', 60)).toBeNull()
    expect(asked()).toEqual(['', 'get 60,get 60', 'get 60'])
  })
})

describe('a record that moves from its second server to its first', () => {
  const next = Uint8Array.of(2)

  async function startMove() {
    const started = start(true, byDigit, true)
    await started.servers[2]!.client.add('1k', bytes, 60)
    const former = (await started.cluster.get('1k'))!
    started.asked()
    return { ...started, former }
  }

  test('is claimed, frozen, copied, deleted; the next save looks for a copy that was left', async () => {
    const { cluster, asked, servers, former } = await startMove()
    expect(await cluster.replace('1k', next, 60, former.version)).toBe('saved')
    expect(asked()).toEqual(['', 'get,add,get,replace', 'replace,delete'])
    expect(servers[2]!.values.size).toBe(0)

    const moved = (await cluster.get('1k'))!
    expect(moved.bytes).toEqual(next)
    expect(moved.version).toMatchObject({ node: 1, stage: 'copied' })
    expect(await cluster.replace('1k', bytes, 60, moved.version)).toBe('saved')
    expect(asked()).toEqual(['', 'get,replace', 'delete'])

    const { version } = (await cluster.get('1k'))!
    expect(version).not.toHaveProperty('stage')
    expect(await cluster.replace('1k', bytes, 60, version)).toBe('saved')
    expect(asked()).toEqual(['', 'get,replace', ''])
  })

  test('is missing if neither server has it, whichever version is given', async () => {
    for (const moves of [false, true]) {
      const { cluster, servers } = start(true, byDigit, moves)
      await servers[2]!.client.add('1other', bytes, 60)
      const { version } = (await cluster.get('1other'))!
      for (const each of [version, { ...version, stage: 'frozen' as const }]) {
        expect(await cluster.replace('1k', next, 60, each)).toBe('missing')
        expect(await cluster.delete('1k', each)).toBe('missing')
        expect(servers.map(({ values }) => values.size)).toEqual([0, 0, 1])
      }
    }
  })

  test('is in conflict if it is at the first by now', async () => {
    for (const moves of [false, true]) {
      const { cluster, servers } = start(true, byDigit, moves)
      await servers[2]!.client.add('1k', bytes, 60)
      const { version } = (await cluster.get('1k'))!
      await servers[2]!.client.delete('1k')
      await servers[1]!.client.add('1k', next, 60)
      for (const each of [version, { ...version, stage: 'frozen' as const }]) {
        expect(await cluster.replace('1k', next, 60, each)).toBe('conflict')
        expect(await cluster.delete('1k', each)).toBe('conflict')
      }
    }
  })

  test('is saved if the first fails after it was frozen, and moves with the next save', async () => {
    const { cluster, servers, former } = await startMove()
    const { client } = servers[2]!
    const { replace } = client
    client.replace = (...command) => {
      servers[1]!.isDown = true
      return replace(...command)
    }
    expect(await cluster.replace('1k', next, 60, former.version)).toBe('saved')
    await expect(cluster.get('1k')).rejects.toMatchObject({ code: 'unavailable' })
    servers[1]!.isDown = false
    client.replace = replace
    const frozen = (await cluster.get('1k'))!
    expect(frozen.bytes).toEqual(next)
    expect(frozen.version).toMatchObject({ node: 2, stage: 'frozen' })
    expect(await cluster.replace('1k', bytes, 60, frozen.version)).toBe('saved')
    expect((await cluster.get('1k'))!.version.node).toBe(1)
    expect(servers[2]!.values.size).toBe(0)
  })

  test('is not saved while its first server is down, and stays as it was', async () => {
    const { cluster, servers, former } = await startMove()
    servers[1]!.isDown = true
    const save = cluster.replace('1k', next, 60, former.version)
    await expect(save).rejects.toMatchObject({ code: 'unavailable' })
    servers[1]!.isDown = false
    expect((await cluster.get('1k'))!.bytes).toEqual(bytes)
  })

  test('is neither saved nor deleted again while a copy may be left at the second', async () => {
    const { cluster, servers, former } = await startMove()
    const { client } = servers[2]!
    const remove = client.delete
    client.delete = () => Promise.reject(new StoreError('unavailable', 'No', { sent: true }))
    expect(await cluster.replace('1k', next, 60, former.version)).toBe('saved')
    const { version } = (await cluster.get('1k'))!
    for (const work of [
      () => cluster.replace('1k', bytes, 60, version),
      () => cluster.delete('1k', version),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: 'unavailable' })
    }
    expect((await cluster.get('1k'))!.bytes).toEqual(next)
    client.delete = remove
    expect(await cluster.delete('1k', version)).toBe('deleted')
    expect(servers[1]!.values.size + servers[2]!.values.size).toBe(0)
  })

  test('is read and saved where it is by a list in which its server is the first', async () => {
    const { cluster, servers, former } = await startMove()
    const { client } = servers[1]!
    client.replace = () => Promise.reject(new StoreError('unavailable', 'No', { sent: true }))
    expect(await cluster.replace('1k', next, 60, former.version)).toBe('saved')
    const clients = servers.map((server) => server.client)
    const back = createCluster({
      servers: clients,
      rank: () => [2, 0],
      asksSecond: false,
      moves: () => false,
    })
    const found = (await back.get('1k'))!
    expect(found.bytes).toEqual(next)
    expect(await back.replace('1k', bytes, 60, found.version)).toBe('saved')
    expect((await back.get('1k'))!.version).not.toHaveProperty('stage')
  })
})
