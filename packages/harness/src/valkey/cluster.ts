import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../server-process.ts'
import { startValkey } from './process.ts'
import type { ValkeyProcess } from './process.ts'

/** A cluster of three primaries, each with one replica. */
export interface ValkeyCluster {
  readonly nodes: readonly ValkeyProcess[]
  /** The first three. A failover does not change this list. */
  readonly primaries: readonly ValkeyProcess[]
  /** The replica of each primary. */
  readonly replicas: readonly ValkeyProcess[]
  end(): Promise<void>
}

const slots = [
  ['0', '5460'],
  ['5461', '10922'],
  ['10923', '16383'],
] as const

/**
 * `args`: for every server. The other servers consider a server failed after three seconds without an answer, and then
 * continue (`cluster-require-full-coverage no`).
 */
export async function startValkeyCluster(args: readonly string[] = []): Promise<ValkeyCluster> {
  const nodes: ValkeyProcess[] = []
  const end = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.end())))
  try {
    for (let at = 0; at < 6; at++) nodes.push(await startNode(args))
    await join(nodes)
  } catch (error) {
    await end()
    throw error
  }
  return { nodes, primaries: nodes.slice(0, 3), replicas: nodes.slice(3), end }
}

async function startNode(args: readonly string[]): Promise<ValkeyProcess> {
  const bus = ['--cluster-port', String(await freePort())]
  const timeouts = ['--cluster-node-timeout', '3000', '--repl-diskless-sync-delay', '0']
  const files = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes']
  const rest = ['--cluster-require-full-coverage', 'no']
  return startValkey({ args: [...files, ...bus, ...timeouts, ...rest, ...args] })
}

async function join(nodes: readonly ValkeyProcess[]): Promise<void> {
  const ids: string[] = []
  for (const [at, node] of nodes.entries()) {
    await node.ask('cluster', 'set-config-epoch', String(at + 1))
    ids.push(String(await node.ask('cluster', 'myid')))
    const range = slots[at]
    if (range !== undefined) await node.ask('cluster', 'addslotsrange', ...range)
  }
  const [first, ...others] = nodes as [ValkeyProcess, ...ValkeyProcess[]]
  for (const { port, ask } of others) {
    const busPort = String(((await ask('config', 'get', 'cluster-port')) as string[])[1])
    await first.ask('cluster', 'meet', '127.0.0.1', String(port), busPort)
  }
  await until('the servers know each other', async () => {
    const known = await Promise.all(nodes.map((node) => node.ask('cluster', 'nodes')))
    return known.every((text) => ids.every((id) => String(text).includes(id)))
  })
  for (const [at, replica] of nodes.slice(3).entries()) {
    await replica.ask('cluster', 'replicate', ids[at]!)
  }
  await until('the cluster is whole', async () => {
    const states = await Promise.all(nodes.map((node) => node.ask('cluster', 'info')))
    const links = await Promise.all(nodes.slice(0, 3).map((node) => node.info('slave0')))
    const maps = await Promise.all(nodes.map((node) => node.ask('cluster', 'slots')))
    const isKnown = maps.every((map) =>
      nodes.every(({ port }) => JSON.stringify(map).includes(`${port}`)),
    )
    const isOk = isKnown && states.every((text) => /cluster_state:ok/.test(String(text)))
    return isOk && links.every((link) => link.includes('state=online'))
  })
}

/** Polls every 50 ms, for 30 seconds. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await isSo().catch(() => false)) return
    await sleep(50)
  }
  throw new Error(`not within 30 seconds: ${what}`)
}
