import type { Ranking } from './rendezvous.ts'
import type { Cas, Hit, Wire } from '../protocol/client.ts'

/** The version of a record, and which node has it. */
export interface Version {
  readonly cas: Cas
  readonly node: number
}

export interface Found {
  readonly bytes: Uint8Array
  readonly version: Version
}

/**
 * Several nodes as one. A key belongs to its first node. If that one is down the key's session is
 * unavailable: there is no failover, which would bring back the session of somebody who has signed
 * out while the node was away.
 *
 * `asksSecond`: a key that its first node does not have is looked for on its second one, where it
 * was before a node was added. It then stays there until it ends or is renewed.
 */
export interface Cluster {
  readonly get: (key: string, ttl?: number) => Promise<Found | null>
  readonly add: (key: string, value: Uint8Array, ttl: number) => Promise<boolean>
  readonly replace: (
    key: string,
    value: Uint8Array,
    ttl: number,
    version: Version,
  ) => Promise<'saved' | 'conflict' | 'missing'>
  /** Without a version: wherever it may be; rejects when one of these nodes does not confirm it. */
  readonly delete: (key: string, version?: Version) => Promise<'deleted' | 'conflict' | 'missing'>
}

export function createCluster(nodes: readonly Wire[], rank: Ranking, asksSecond: boolean): Cluster {
  /** What a hit of each node is to the store. */
  const found = nodes.map(
    (_, node) => (hit: Hit | null) => hit && { bytes: hit.value, version: { cas: hit.cas, node } },
  )

  function getFrom(node: number, key: string, ttl?: number): Promise<Found | null> {
    return nodes[node]!.get(key, ttl).then(found[node]!)
  }

  async function getFromEither(
    first: number,
    second: number,
    key: string,
    ttl?: number,
  ): Promise<Found | null> {
    return (await getFrom(first, key, ttl)) ?? getFrom(second, key, ttl)
  }

  async function deleteFromBoth(first: number, second: number, key: string) {
    const results = await Promise.all([nodes[first]!.delete(key), nodes[second]!.delete(key)])
    return results.includes('deleted') ? 'deleted' : results[0]
  }

  return {
    get(key, ttl) {
      const [first, second] = rank(key)
      if (!asksSecond || second < 0) return getFrom(first, key, ttl)
      return getFromEither(first, second, key, ttl)
    },
    add(key, value, ttl) {
      return nodes[rank(key)[0]]!.add(key, value, ttl)
    },
    replace(key, value, ttl, { cas, node }) {
      return nodes[node]!.replace(key, value, ttl, cas)
    },
    delete(key, version) {
      if (version !== undefined) return nodes[version.node]!.delete(key, version.cas)
      const [first, second] = rank(key)
      if (!asksSecond || second < 0) return nodes[first]!.delete(key)
      return deleteFromBoth(first, second, key)
    },
  }
}
