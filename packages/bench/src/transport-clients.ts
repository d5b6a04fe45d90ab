import { memcachedStore } from '@coatcheck/memcached'
import { Redis } from 'ioredis'
import { Memcache } from 'memcache'
import { MemcacheClient } from 'memcache-client'
import Memcached from 'memcached'
import memjs from 'memjs'
import { createClient } from 'redis'
import { text } from './transport-contestant.ts'
import type { Contestant } from './transport-contestant.ts'
import { startProbe } from './transport-probe.ts'

export interface Ports {
  readonly memcached: number
  readonly redis: number
}

const bytes = Buffer.from(text)
const host = '127.0.0.1'
const seconds = 3600

const keyOf = (index: number): string => `coatcheck:${String(index).padStart(43, 'k')}`

type Call = (key: string) => Promise<unknown>

/** A promise-based client: `inFlight` loops, each awaiting its answer. */
function contestant(read: Call, write: Call, close: () => unknown): Contestant {
  return {
    async run(operation, total, inFlight) {
      const call = operation === 'read' ? read : write
      let next = 0
      const loop = async () => {
        while (next < total) await call(keyOf(next++))
      }
      await Promise.all(Array.from({ length: inFlight }, loop))
    },
    async prepare() {},
    close,
  }
}

/** Our whole store, with breaker, second tries, and a compare-and-swap for each write. */
function store(protocol: 'binary' | 'meta' | 'auto', { memcached }: Ports): Contestant {
  const servers = `${host}:${memcached}`
  const store = memcachedStore({ servers, protocol, prefix: '', deadline: 5000 })
  const expiresAt = Date.now() + seconds * 1000
  const versions = new Map<string, Parameters<typeof store.save>[3]>()
  const load = async (key: string) => {
    const found = await store.load(key, expiresAt)
    versions.set(key, found!.version)
  }
  const save = async (key: string) => {
    const saved = await store.save(key, bytes, expiresAt, versions.get(key)!)
    if (saved !== 'saved') throw new Error(saved)
  }
  const read = (key: string) => store.load(key, expiresAt)
  const ours = contestant(read, save, () => store.close())
  return {
    ...ours,
    async prepare(operation, total) {
      if (operation === 'read') return
      const keys = Array.from({ length: total }, (_, index) => keyOf(index))
      await Promise.all(keys.map(load))
    },
  }
}

function callback<result>(call: (done: (error: unknown, result: result) => void) => void) {
  return new Promise<result>((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)))
  })
}

/** Each with its own defaults, except for timeouts, which none may reach. */
const starts: Record<string, (ports: Ports) => Contestant | Promise<Contestant>> = {
  'Coatcheck, binary': (ports) => store('binary', ports),
  'Coatcheck, meta': (ports) => store('meta', ports),
  'Coatcheck, auto': (ports) => store('auto', ports),
  memjs({ memcached }) {
    const client = memjs.Client.create(`${host}:${memcached}`, { timeout: 5 })
    return contestant(
      (key) => client.get(key),
      (key) => client.set(key, bytes, { expires: seconds }),
      () => client.close(),
    )
  },
  memcached({ memcached }) {
    const client = new Memcached(`${host}:${memcached}`, { timeout: 5000 })
    return contestant(
      (key) => callback((done) => client.get(key, done)),
      (key) => callback((done) => client.set(key, text, seconds, done)),
      () => client.end(),
    )
  },
  async memcache({ memcached }) {
    const client = new Memcache({ nodes: [`${host}:${memcached}`] })
    await client.connect()
    return contestant(
      (key) => client.get(key),
      (key) => client.set(key, text, seconds),
      () => client.disconnect(),
    )
  },
  'memcache-client'({ memcached }) {
    const client = new MemcacheClient({ server: `${host}:${memcached}`, cmdTimeout: 5000 })
    return contestant(
      (key) => client.get(key),
      (key) => client.set(key, bytes, { lifetime: seconds }),
      () => client.shutdown(),
    )
  },
  async redis({ redis }) {
    const client = createClient({ socket: { host, port: redis } })
    await client.connect()
    return contestant(
      (key) => client.getEx(key, { type: 'EX', value: seconds }),
      (key) => client.set(key, bytes, { expiration: { type: 'EX', value: seconds } }),
      () => client.destroy(),
    )
  },
  ioredis({ redis }) {
    const client = new Redis(redis, host, { enableAutoPipelining: true })
    return contestant(
      (key) => client.getex(key, 'EX', seconds),
      (key) => client.set(key, bytes, 'EX', seconds),
      () => client.disconnect(),
    )
  },
  'raw socket, promises': ({ memcached }) => startProbe(memcached, keyOf, 'promises'),
  'raw socket': ({ memcached }) => startProbe(memcached, keyOf, 'bare'),
}

export const contestants: readonly string[] = Object.keys(starts)

/** Whether it needs the Redis server. */
export const needsRedis = (name: string): boolean => name.endsWith('redis')

export async function start(name: string, ports: Ports): Promise<Contestant> {
  return starts[name]!(ports)
}
