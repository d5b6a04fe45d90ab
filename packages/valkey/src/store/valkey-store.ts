import type { SessionStore } from '@coatcheck/core'
import { Lane } from '../server/lane.ts'
import { Replicas } from '../server/replicas.ts'
import { Servers } from '../server/servers.ts'
import { Writes } from '../server/writes.ts'
import { checkServers } from './check-servers.ts'
import type { ValkeyReport } from './check-servers.ts'
import { createOperations } from './operations.ts'
import { readOptions } from './store-options.ts'
import type { ValkeyStoreOptions } from './store-options.ts'
import type { Version } from './versions.ts'

/**
 * Sessions in Valkey or Redis. Every rejection is a `StoreError`. It is an outage unless its `code` is `config` or
 * `auth` (the setup is wrong) or `too-large` (the stored record is unchanged).
 */
export interface ValkeyStore extends SessionStore<Version> {
  /**
   * Connects, and writes, reads and deletes a record. Resolves with facts about every primary, and with warnings, for
   * example about a policy that evicts sessions or persistence that brings ended sessions back. Rejects with a
   * `StoreError` that says what is wrong. Call it when your application starts.
   */
  check(): Promise<ValkeyReport>
  /** Closes all connections for good: every later call rejects. */
  close(): void
}

/**
 * A store on Valkey, or Redis 6.2 and newer: one server, a primary that sentinels name, or a cluster. It connects on
 * first use and does not keep the process running.
 * @throws {SessionError} `invalid-option`, naming the option that is wrong.
 */
export function valkeyStore(options: ValkeyStoreOptions): ValkeyStore {
  const settings = readOptions(options)
  const driver = settings.open()
  const servers = new Servers(driver, settings)
  const replicas = new Replicas(driver, servers, settings.replicas)
  let lane: Lane | undefined
  let isClosed = false
  const openLane = (): Lane => {
    lane ??= new Lane(settings.open, settings)
    if (isClosed) lane.close()
    return lane
  }
  const writes = new Writes(servers, replicas, openLane)
  const operations = createOperations(settings, () => writes)
  return {
    ...operations,
    check: () => checkServers(settings, driver, servers, operations),
    close() {
      isClosed = true
      servers.close()
      lane?.close()
    },
  }
}
