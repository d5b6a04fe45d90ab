import { StoreError } from '@coatcheck/core/remote'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStoreOptions } from '../src/store/store-options.ts'
import type { FakeServer } from './fake-server.ts'
import { startScripted } from './scripted-server.ts'

const bytes = Uint8Array.of(1, 2, 3)
const later = () => Date.now() + 3_600_000
const ids = Array.from({ length: 300 }, (_, at) => `session-${at}`)

let nodes: MemcachedProcess[]
const ends: (() => unknown)[] = []
beforeAll(async () => {
  nodes = await Promise.all(Array.from({ length: 5 }, () => startMemcached({ trace: false })))
})
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
  for (const node of nodes) await node.flush()
})
afterAll(() => Promise.all(nodes.map((node) => node.kill())))

interface Endpoint extends FakeServer {
  asked: number
  /** How many of the nodes it lists. */
  listed: number
}

/** Answers `config get cluster` as ElastiCache documents it, in pieces. */
async function startEndpoint(answer?: string): Promise<Endpoint> {
  const endpoint = { asked: 0, listed: 3 }
  const server = await startScripted({
    text(line, socket) {
      if (line !== 'config get cluster') return void socket.write('ERROR\r\n')
      endpoint.asked++
      const list = nodes.slice(0, endpoint.listed).map(({ port }) => `localhost|127.0.0.1|${port}`)
      const text = `12\n${list.join(' ')}\n`
      const whole = answer ?? `CONFIG cluster 0 ${text.length}\r\n${text}\r\nEND\r\n`
      socket.write(whole.slice(0, 30))
      setTimeout(() => socket.write(whole.slice(30)), 5)
    },
  })
  ends.push(() => server.close())
  return Object.assign(endpoint, server)
}

function open(options: MemcachedStoreOptions): MemcachedStore {
  const store = memcachedStore({ deadline: 2000, ...options })
  ends.push(() => store.close())
  return store
}

const through = (endpoint: Endpoint) =>
  open({ servers: `127.0.0.1:${endpoint.port}`, discovery: 'cluster' })
const listOf = (count: number) => nodes.slice(0, count).map(({ port }) => `localhost:${port}`)

async function createAll(store: MemcachedStore): Promise<void> {
  const created = await Promise.all(ids.map((id) => store.create(id, bytes, later())))
  expect(new Set(created)).toEqual(new Set([true]))
}

async function countFound(store: MemcachedStore): Promise<number> {
  const found = await Promise.all(ids.map((id) => store.load(id)))
  return found.filter((record) => record !== null).length
}

describe('G5: a store that discovers its servers', () => {
  test('reads the list once, however many commands wait, and spreads sessions over it', async () => {
    const endpoint = await startEndpoint()
    const store = through(endpoint)
    expect(endpoint.asked).toBe(0)
    await createAll(store)
    await store.check()
    expect(await countFound(store)).toBe(ids.length)
    expect(endpoint.asked).toBe(1)
    const kept = await Promise.all(nodes.map(async (node) => (await node.keys()).length))
    expect(kept.map((count) => count > 60)).toEqual([true, true, true, false, false])
  })

  test('places sessions as a store does that is given the list', async () => {
    await createAll(open({ servers: listOf(3) }))
    expect(await countFound(through(await startEndpoint()))).toBe(ids.length)
  })

  test('lists the servers of this moment, and goes on with its own', async () => {
    const endpoint = await startEndpoint()
    const store = through(endpoint)
    await createAll(store)
    endpoint.listed = 4
    expect(await store.discover()).toEqual(listOf(4))
    expect(await countFound(store)).toBe(ids.length)
    expect(await nodes[3]!.keys()).toEqual([])
    expect(await open({ servers: listOf(2) }).discover()).toEqual(listOf(2))
  })

  test('loses no session when one server is added, under commands all the while', async () => {
    const store = through(await startEndpoint())
    await createAll(store)
    const before = (await store.load(ids[0]!))!
    const during = Promise.all(Array.from({ length: 5 }, () => countFound(store)))
    store.reconfigure(listOf(4))
    expect(await during).toEqual([300, 300, 300, 300, 300])
    expect(await countFound(store)).toBe(ids.length)
    expect(await store.save(ids[0]!, bytes, later(), before.version)).toBe('saved')
    const fresh = Array.from({ length: 100 }, (_, at) => store.create(`new-${at}`, bytes, later()))
    await Promise.all(fresh)
    expect((await nodes[3]!.keys()).length).toBeGreaterThan(5)
    for (const id of ids) expect(await store.delete(id)).toBe('deleted')
    expect(await countFound(store)).toBe(0)
  })

  test('loses only the sessions of a server that leaves', async () => {
    const store = through(await startEndpoint())
    await createAll(store)
    const there = (await nodes[2]!.keys()).length
    store.reconfigure(listOf(2))
    expect(await countFound(store)).toBe(ids.length - there)
    store.reconfigure([listOf(2)[1]!, listOf(2)[0]!])
    expect(await countFound(store)).toBe(ids.length - there)
  })

  test('refuses to add two at once, and stays as it was', async () => {
    const store = through(await startEndpoint())
    await createAll(store)
    const two = listOf(5).slice(3)
    expect(() => store.reconfigure(listOf(5))).toThrow(
      `memcachedStore: servers: add or weigh one server at a time, and not ${two.join(', ')} together`,
    )
    expect(() => store.reconfigure([])).toThrow('the list is empty')
    expect(await countFound(store)).toBe(ids.length)
    expect(await nodes[4]!.keys()).toEqual([])
  })

  test('refuses to add one while the second rank is not asked', async () => {
    const store = open({ servers: listOf(2) })
    expect(() => store.reconfigure(listOf(3))).toThrow(
      `memcachedStore: servers: set asksSecond before you add or weigh ${listOf(3)[2]}`,
    )
    const asking = open({ servers: listOf(2), asksSecond: true })
    await createAll(asking)
    asking.reconfigure(listOf(3))
    expect(await countFound(asking)).toBe(ids.length)
  })

  test('refuses another weight likewise, and finds every session after one was raised', async () => {
    const [first, ...rest] = listOf(3)
    const raised = [{ address: first!, weight: 3 }, ...rest]
    const store = open({ servers: listOf(3) })
    expect(() => store.reconfigure(raised)).toThrow(`before you add or weigh ${first}`)
    const asking = open({ servers: listOf(3), asksSecond: true })
    await createAll(asking)
    const before = (await nodes[0]!.keys()).length
    const both = raised.map((server, at) => (at === 1 ? { address: rest[0]!, weight: 3 } : server))
    expect(() => asking.reconfigure(both)).toThrow(`not ${first}, ${rest[0]} together`)
    asking.reconfigure(raised)
    expect(await countFound(asking)).toBe(ids.length)
    const fresh = Array.from({ length: 200 }, (_, at) => asking.create(`w-${at}`, bytes, later()))
    await Promise.all(fresh)
    expect((await nodes[0]!.keys()).length - before).toBeGreaterThan(90)
  })

  test('names the endpoint that is away, and is closed for good', async () => {
    const endpoint = await startEndpoint()
    const { port } = endpoint
    await endpoint.close()
    const store = open({ servers: `127.0.0.1:${port}`, discovery: 'cluster', deadline: 300 })
    const away = { code: 'unavailable', sent: false, node: `127.0.0.1:${port}` }
    await expect(store.load('a')).rejects.toMatchObject(away)
    await expect(store.check()).rejects.toMatchObject({ code: 'unavailable' })
    store.close()
    await expect(store.load('a')).rejects.toThrow('The store was closed')
  })

  test.each([
    ['a server that is no endpoint', undefined, 'This is no configuration endpoint. '],
    ['an endpoint without servers', 'CONFIG cluster 0 4\r\n12\n\n\r\nEND\r\n', 'lists no servers'],
    [
      'an endpoint that lists what is no server',
      'CONFIG cluster 0 9\r\n12\na|10.0.0.1|99999\n\r\nEND\r\n',
      'The configuration endpoint lists: the port of "a" is not a number from 1 to 65535',
    ],
  ])('says what is wrong with %s', async (_name, answer, text) => {
    const servers =
      answer === undefined ? nodes[0]!.address : `127.0.0.1:${(await startEndpoint(answer)).port}`
    const store = open({ servers, discovery: 'cluster' })
    for (const call of [store.load('a'), store.check(), store.discover()]) {
      const wrong = { code: 'config', message: expect.stringContaining(`${servers}: `) }
      const error = await call.catch((reason: Error) => reason)
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject(wrong)
      expect((error as Error).message).toContain(text)
    }
  })
})
