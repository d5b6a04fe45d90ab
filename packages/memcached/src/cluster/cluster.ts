import type { StoredRecord } from '@coatcheck/core'
import type { Cas, Client, Hit } from '../protocol/client.ts'
import type { Ranking } from './hashed-server.ts'

/** The version of a record. */
export interface Version {
  readonly cas: Cas
  /** The index of the server that has the record. */
  readonly node: number
}

/**
 * Several servers as one. A key belongs to the server that ranks first for it. If that server is
 * down, the session is unavailable. There is no failover: it would revive a session whose user
 * signed out while the server was down.
 *
 * `asksSecond`: if the first server does not have a key, the second is asked, which had it before a
 * server was added. The record stays there until it expires or the session is renewed.
 */
export interface Cluster {
  readonly get: (key: string, ttl?: number) => Promise<StoredRecord<Version> | null>
  readonly add: (key: string, value: Uint8Array, ttl: number) => Promise<boolean>
  readonly replace: (
    key: string,
    value: Uint8Array,
    ttl: number,
    version: Version,
  ) => Promise<'saved' | 'conflict' | 'missing'>
  /**
   * Without a version: deletes it on every server that may have it, and rejects if one of them does
   * not confirm.
   */
  readonly delete: (key: string, version?: Version) => Promise<'deleted' | 'conflict' | 'missing'>
}

export function createCluster(
  servers: readonly Client[],
  rank: Ranking,
  asksSecond: boolean,
): Cluster {
  /** One function for each server, so that no closure is made per command. */
  const toRecord = servers.map(
    (_, node) => (hit: Hit | null) => hit && { bytes: hit.value, version: { cas: hit.cas, node } },
  )

  function getFrom(server: number, key: string, ttl?: number) {
    return servers[server]!.get(key, ttl).then(toRecord[server]!)
  }

  async function getFromEither(first: number, second: number, key: string, ttl?: number) {
    return (await getFrom(first, key, ttl)) ?? getFrom(second, key, ttl)
  }

  async function deleteFromBoth(first: number, second: number, key: string) {
    const results = await Promise.all([servers[first]!.delete(key), servers[second]!.delete(key)])
    return results.includes('deleted') ? 'deleted' : results[0]
  }

  return {
    get(key, ttl) {
      const [first, second] = rank(key)
      if (!asksSecond || second < 0) return getFrom(first, key, ttl)
      return getFromEither(first, second, key, ttl)
    },
    add(key, value, ttl) {
      return servers[rank(key)[0]]!.add(key, value, ttl)
    },
    replace(key, value, ttl, { cas, node }) {
      return servers[node]!.replace(key, value, ttl, cas)
    },
    delete(key, version) {
      if (version !== undefined) return servers[version.node]!.delete(key, version.cas)
      const [first, second] = rank(key)
      if (!asksSecond || second < 0) return servers[first]!.delete(key)
      return deleteFromBoth(first, second, key)
    },
  }
}
