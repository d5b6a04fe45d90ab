import { randomUUID } from 'node:crypto'
import { StoreError } from '@coatcheck/core/remote'
import type { Driver, Node } from '../client/driver.ts'
import type { Servers } from '../server/servers.ts'
import type { Operations } from './operations.ts'
import { readFacts } from './server-facts.ts'
import type { ServerFacts } from './server-facts.ts'
import type { Settings } from './store-options.ts'

/** The result of `check`. */
export interface ValkeyReport {
  readonly servers: readonly ServerFacts[]
  /** Settings that work, but can end sessions too early or bring ended ones back. */
  readonly warnings: readonly string[]
}

/** The lifetime of the check's record in milliseconds, if it cannot be deleted. */
const life = 10_000

/** Rejects with a `StoreError` that says what is wrong. */
export async function checkServers(
  settings: Settings,
  driver: Driver,
  servers: Servers,
  operations: Operations,
): Promise<ValkeyReport> {
  await tryVersions(operations, settings)
  const nodes = driver.primaries()
  const facts = await Promise.all(nodes.map((node) => ask(servers, node)))
  const old = facts.find(({ version }) => isOld(version))
  if (old !== undefined) {
    throw config(`${old.node} is ${old.product} ${old.version}: the store needs Redis 6.2 or newer`)
  }
  const down = facts.find(({ clusterState }) => clusterState !== null && clusterState !== 'ok')
  if (down !== undefined) throw config(`The cluster is not whole: ${down.clusterState}`)
  return { servers: facts, warnings: facts.flatMap(warningsOf(settings)) }
}

async function tryVersions(operations: Operations, { now }: Settings): Promise<void> {
  const id = `check-${randomUUID()}`
  const [first, second] = [Uint8Array.of(1), Uint8Array.of(2)]
  const expiresAt = now() + life
  const isCreated = await operations.create(id, first, expiresAt)
  const found = await operations.load(id, expiresAt)
  if (!isCreated || found === null) throw config('The server does not keep what is written')
  const saved = await operations.save(id, second, expiresAt, found.version)
  const again = await operations.save(id, first, expiresAt, found.version)
  const deleted = await operations.delete(id)
  if (saved === 'saved' && again === 'conflict' && deleted === 'deleted') return
  throw config('The server does not compare versions, so updates would be lost')
}

async function ask(servers: Servers, node: Node): Promise<ServerFacts> {
  const section = (...args: string[]): Promise<string | null> =>
    servers.runOn(node, args).then(
      (reply) => (Array.isArray(reply) ? reply.map(String).join(' ') : String(reply)),
      // A managed server or an ACL may refuse the command.
      (error: StoreError) => {
        if (error.code === 'unavailable' && !error.answered) throw error
        return null
      },
    )
  const [info, save] = await Promise.all([section('info'), section('config', 'get', 'save')])
  const isCluster = /^cluster_enabled:1/m.test(info ?? '')
  if (!isCluster) return readFacts(node, info, save, null, null)
  const coverage = section('config', 'get', 'cluster-require-full-coverage')
  return readFacts(node, info, save, await section('cluster', 'info'), await coverage)
}

function isOld(version: string | null): boolean {
  const [major = 0, minor = 0] = (version ?? '99.0').split('.').map(Number)
  return major < 6 || (major === 6 && minor < 2)
}

function warningsOf({ replicas }: Settings): (facts: ServerFacts) => readonly string[] {
  return (facts) => {
    const { node, policy, maxMemory, persistence, replicas: connected } = facts
    const warnings: string[] = []
    if (maxMemory !== 0 && policy !== null && policy !== 'noeviction') {
      warnings.push(
        `${node}: maxmemory-policy ${policy} evicts sessions, which signs visitors out: set noeviction`,
      )
    }
    if (persistence === 'snapshots') {
      warnings.push(
        `${node}: after a crash it goes back to its last snapshot, and sessions that have ended since then live again: use appendonly yes, or no snapshots`,
      )
    }
    if (persistence === 'none') {
      warnings.push(`${node}: it saves nothing to its disk, so a restart ends its sessions`)
    }
    if (facts.needsAllSlots === true) {
      warnings.push(
        `${node}: while one primary is away, all sessions are unavailable: set cluster-require-full-coverage no`,
      )
    }
    if (replicas !== null && connected !== null && connected < replicas) {
      warnings.push(
        `${node}: confirm needs ${replicas} replicas and there are ${connected}: no sign-out is confirmed`,
      )
    }
    return warnings
  }
}

function config(message: string): StoreError {
  return new StoreError('config', message, { sent: false, answered: true })
}
