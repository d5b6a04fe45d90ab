import type { SessionStore } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import { startValkey } from '@coatcheck/harness/valkey'
import { valkeyStore } from '@coatcheck/valkey'

/** The server of a history run. */
export type EngineName = 'memcached' | 'valkey'

/** A server in its own process. */
export interface HistoryServer {
  readonly port: number
  /** `127.0.0.1:PORT` */
  readonly address: string
  /** Kills it, and restarts it empty. */
  restart(): Promise<void>
  end(): Promise<void>
}

export async function startServer(engine: EngineName): Promise<HistoryServer> {
  if (engine === 'valkey') return startValkey()
  const memcached = await startMemcached({ trace: false, args: ['-m', '256'] })
  return { ...memcached, end: () => memcached.kill() }
}

/** Connects to such a server. `deadline`: milliseconds. */
export function openStore(
  engine: EngineName,
  address: string,
  deadline: number,
): SessionStore & { close(): void } {
  if (engine === 'valkey') return valkeyStore({ url: address, deadline })
  return memcachedStore({ servers: address, deadline })
}
