import type { SessionStore } from '@coatcheck/core'
import type { Case, Feature, World } from '../case.ts'
import { equal, fails, holds } from '../check.ts'
import { brokenStore, cookieOf, request, setUp } from '../desk.ts'

type Protocol = 'binary' | 'meta' | 'auto'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const inAnHour = (): number => Date.now() + 3_600_000
const newId = (): string => crypto.randomUUID().padEnd(43, '0').slice(0, 43)

/** What the core asks of every store. */
const contract: readonly [name: string, run: (store: SessionStore) => Promise<void>][] = [
  [
    'a record comes back as it was created, and no second one takes its id',
    async (store) => {
      const id = newId()
      equal(await store.load(id), null)
      equal(await store.create(id, bytes('é 🧥'), inAnHour()), true)
      equal(await store.create(id, bytes('b'), inAnHour()), false)
      equal(new Uint8Array((await store.load(id))!.bytes), bytes('é 🧥'))
    },
  ],
  [
    'a save wants the version that was loaded',
    async (store) => {
      const id = newId()
      await store.create(id, bytes('a'), inAnHour())
      const { version } = (await store.load(id))!
      equal(await store.save(id, bytes('b'), inAnHour(), version), 'saved')
      equal(await store.save(id, bytes('c'), inAnHour(), version), 'conflict')
      equal(new Uint8Array((await store.load(id))!.bytes), bytes('b'))
    },
  ],
  [
    'a save creates nothing, also after a deletion',
    async (store) => {
      const id = newId()
      await store.create(id, bytes('a'), inAnHour())
      const { version } = (await store.load(id))!
      equal(await store.delete(id, version), 'deleted')
      equal(await store.save(id, bytes('b'), inAnHour(), version), 'missing')
      equal(await store.load(id), null)
      equal(await store.delete(id), 'missing')
    },
  ],
  [
    'reading moves the end and not the version',
    async (store) => {
      const id = newId()
      await store.create(id, bytes('a'), inAnHour())
      const { version } = (await store.load(id, inAnHour()))!
      await store.load(id, inAnHour())
      equal(await store.save(id, bytes('b'), inAnHour(), version), 'saved')
      equal(await store.delete(id, version), 'conflict')
    },
  ],
  [
    'a record whose end has passed is not returned',
    async (store) => {
      const id = newId()
      await store.create(id, bytes('a'), Date.now() - 1000)
      equal(await store.load(id), null)
    },
  ],
  [
    'a record of 100,000 bytes',
    async (store) => {
      const id = newId()
      const large = new Uint8Array(100_000).map((_, at) => at * 31)
      await store.create(id, large, inAnHour())
      equal(new Uint8Array((await store.load(id))!.bytes), large)
    },
  ],
]

/** The whole way of a visitor, with many requests at once. */
const journeys: readonly [
  name: string,
  run: (world: World, store: SessionStore) => Promise<void>,
][] = [
  [
    'twenty requests at once are all saved',
    async (world, store) => {
      const { sessions } = setUp(world, { store })
      const change = (cookie: string, key: string) =>
        sessions.handle(request(cookie), ({ data }) => {
          data[key] = 1
          return Response.json(Object.keys(data).length)
        })
      const cookie = cookieOf(await change('', 'n'))
      await Promise.all(Array.from({ length: 20 }, (_, at) => change(cookie, `key${at}`)))
      equal(await (await change(cookie, 'n')).json(), 21)
    },
  ],
  [
    'a sign-in moves the session, a list ends it',
    async (world, store) => {
      const subject = newId()
      const { sessions, visit } = setUp(world, { store })
      const before = await visit('', ({ data }) => void (data['a'] = 1))
      const after = await visit(before.cookie, (session) => session.signIn(subject))
      equal(after.committed.outcome, 'renewed')
      equal((await visit(before.cookie)).state, 'new')
      equal((await visit(after.cookie)).data, { a: 1 })
      equal((await sessions.list(subject)).length, 1)
      equal(await sessions.revoke(subject), 'revoked')
      equal((await visit(after.cookie)).state, 'new')
    },
  ],
  [
    'a slow request does not bring a session back after its logout',
    async (world, store) => {
      const { sessions, visit } = setUp(world, { store })
      const { cookie } = await visit('', ({ data }) => void (data['a'] = 1))
      const slow = await sessions.open(cookie)
      equal((await visit(cookie, (s) => s.destroy())).committed.outcome, 'destroyed')
      slow.session.data['a'] = 2
      equal((await slow.commit()).outcome, 'gone')
      equal((await visit(cookie)).state, 'new')
    },
  ],
]

function storeCases(
  feature: Feature,
  open: (world: World) => SessionStore | null,
): readonly Case[] {
  const on =
    (run: (world: World, store: SessionStore) => Promise<void>) => async (world: World) => {
      const store = open(world)
      if (store === null) throw new Error('The runtime has no TCP')
      try {
        await run(world, store)
      } finally {
        ;(store as { close?: () => void }).close?.()
      }
    }
  return [
    ...contract.map(([name, run]) => ({ feature, name, run: on((_, store) => run(store)) })),
    ...journeys.map(([name, run]) => ({ feature, name, run: on(run) })),
  ]
}

function openMemcached({ tcp }: World, protocol: Protocol): SessionStore | null {
  // Several runtimes run at once, and some are slow to start.
  const options = { deadline: 10_000, connectDeadline: 10_000, prefix: 'runtimes:' }
  return tcp && tcp.memcached.memcachedStore({ servers: tcp.server, protocol, ...options })
}

const memcached = (['binary', 'meta', 'auto'] as const).flatMap((protocol): readonly Case[] => {
  const feature: Feature = `memcached, ${protocol}`
  return [
    ...storeCases(feature, (world) => openMemcached(world, protocol)),
    {
      feature,
      name: 'check writes, reads and deletes a record',
      run: (world) =>
        (openMemcached(world, protocol) as unknown as { check(): Promise<void> }).check(),
    },
    {
      feature,
      name: 'a server that is not there is an outage, and the error names it',
      async run({ tcp }) {
        const store = tcp!.memcached.memcachedStore({ servers: '127.0.0.1:1', protocol })
        await fails(() => store.load(newId()), '127.0.0.1:1: ')
        store.close()
      },
    },
  ]
})

const limits: Case = {
  feature: 'memory store',
  name: 'forgets what was used least recently when it is full',
  async run({ memory }) {
    const store = memory.memoryStore({ maxSessions: 2 })
    for (const id of ['a', 'b', 'c']) await store.create(id, bytes(id), inAnHour())
    equal(await store.load('a'), null)
    holds((await store.load('c')) !== null, 'the last one')
    equal(store.size, 2)
    await fails(() => brokenStore().load('a'), 'down')
  },
}

export const stores: readonly Case[] = [
  ...storeCases('memory store', ({ memory }) => memory.memoryStore()),
  limits,
  ...memcached,
]
