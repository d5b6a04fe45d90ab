import type { ExampleEnv } from './process.ts'
import { startMemcached } from '../memcached/process.ts'
import { startValkey } from '../valkey/process.ts'
import { countCommands } from '../valkey/count-commands.ts'

/** The server that stores an example's sessions, with direct access for tests. */
export interface SessionServer {
  /** Makes an example use it. */
  readonly env: ExampleEnv
  /** The number of commands for sessions that it has received. */
  commands(): Promise<number>
  /** The keys of all records. */
  keys(): Promise<readonly string[]>
  /** Removes all records. */
  flush(): Promise<void>
  stop(): Promise<void>
  /** Suspends it: connections stay open and are accepted, but get no answer. */
  pause(): void
  resume(): void
  /** Restarts it without records. */
  restart(): Promise<void>
  /** Kills it for good. */
  end(): Promise<void>
}

/** Starts a server of one kind. */
export type StartServer = () => Promise<SessionServer>

export const onMemcached: StartServer = async () => {
  const memcached = await startMemcached()
  return {
    ...memcached,
    env: { MEMCACHE_SERVERS: memcached.address },
    commands: async () => (await memcached.commands()).total,
    end: () => memcached.kill(),
  }
}

export const onValkey: StartServer = async () => {
  const valkey = await startValkey()
  return {
    ...valkey,
    env: { VALKEY_URL: `valkey://${valkey.address}` },
    commands: () => countCommands(valkey),
    keys: async () => (await valkey.ask('keys', '*')) as readonly string[],
    flush: async () => void (await valkey.ask('flushall')),
    stop: () => valkey.kill(),
  }
}
