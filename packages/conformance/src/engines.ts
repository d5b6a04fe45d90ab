import { startMemcached } from '@coatcheck/harness/memcached'
import { startValkey } from '@coatcheck/harness/valkey'
import { countCommands } from '@coatcheck/harness/valkey-commands'

/** A server in its own process, with direct access for tests. */
export interface EngineServer {
  readonly port: number
  /** The argument for `openStore`. */
  readonly url: string
  /** The same for a proxy on another port. */
  urlAt(port: number): string
  /** The number of commands for records that it has received. */
  commands(): Promise<number>
  /** The number of deletes of records, without those that found another version. */
  deletes(): Promise<number>
  keys(): Promise<readonly string[]>
  /** A record as Latin-1 text; empty if there is none. */
  value(key: string): Promise<string>
  /** Seconds until a record expires; null if there is none. */
  ttl(key: string): Promise<number | null>
  /** Removes one record, like an eviction. */
  evict(key: string): Promise<unknown>
  /** Removes all records. */
  flush(): Promise<unknown>
  /** Suspends it: connections stay open and are accepted, but get no answer. */
  pause(): void
  resume(): void
  kill(): Promise<void>
  /** Restarts it without records. */
  restart(): Promise<void>
  /** Kills it for good. */
  end(): Promise<void>
}

/** A kind of server. */
export interface Engine {
  readonly name: string
  readonly start: () => Promise<EngineServer>
}

export const memcachedEngine: Engine = {
  name: 'memcached',
  async start() {
    const memcached = await startMemcached()
    return {
      ...memcached,
      url: memcached.address,
      urlAt: (port) => `127.0.0.1:${port}`,
      commands: async () => (await memcached.commands()).total,
      async deletes() {
        const { deleteHits, deleteMisses } = await memcached.commands()
        return deleteHits + deleteMisses
      },
      value: async (key) => (await memcached.rawGet(key))?.toString('latin1') ?? '',
      end: () => memcached.kill(),
    }
  },
}

export const valkeyEngine: Engine = {
  name: 'Valkey',
  async start() {
    const valkey = await startValkey()
    return {
      ...valkey,
      url: `valkey://${valkey.address}`,
      urlAt: (port) => `valkey://127.0.0.1:${port}`,
      commands: () => countCommands(valkey),
      deletes: async () => (await valkey.commands())['del'] ?? 0,
      keys: async () => (await valkey.ask('keys', '*')) as readonly string[],
      value: async (key) => String((await valkey.ask('get', key)) ?? ''),
      async ttl(key) {
        const seconds = Number(await valkey.ask('ttl', key))
        return seconds < -1 ? null : seconds
      },
      evict: (key) => valkey.ask('del', key),
      flush: () => valkey.ask('flushall'),
    }
  },
}

export const engines: readonly Engine[] = [memcachedEngine, valkeyEngine]
