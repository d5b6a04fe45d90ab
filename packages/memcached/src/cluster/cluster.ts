import type { StoredRecord } from '@coatcheck/core'
import type { Cas, Client, Hit } from '../protocol/client.ts'
import type { Ranking } from './hashed-server.ts'
import { moveToFirst } from './move-to-first.ts'
import { isClaim, readFrame } from './moving-frame.ts'

/** The version of a record. */
export interface Version {
  readonly cas: Cas
  /** The index of the server that has the record. */
  readonly node: number
  /** It moves from the second server to the first: see `Stage`. */
  readonly stage?: 'frozen' | 'copied'
}

/**
 * Several servers as one. A key belongs to the server that ranks first for it. If that server is
 * down, the session is unavailable. There is no failover: it would revive a session whose user
 * signed out while the server was down.
 */
export interface Cluster {
  /** May give `known` back if the record still has its version. */
  readonly get: (
    key: string,
    ttl?: number,
    known?: StoredRecord<Version>,
  ) => Promise<StoredRecord<Version> | null>
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

export interface ClusterOptions {
  readonly servers: readonly Client[]
  readonly rank: Ranking
  /**
   * If the first server does not have a key, the second is asked, which had it before a server was
   * added. What is found there is saved there, until `moves` says that a save moves it to the first.
   */
  readonly asksSecond: boolean
  readonly moves: () => boolean
}

export function createCluster({ servers, rank, asksSecond, moves }: ClusterOptions): Cluster {
  /** One function for each server, so that no closure is made per command. */
  const toRecord = servers.map((_, node) => (hit: Hit | null) => hit && recordOf(hit, node))

  /** -1: it is not asked. */
  function secondOf(key: string): number {
    return asksSecond ? rank(key)[1] : -1
  }

  function getFrom(server: number, key: string, ttl?: number, known?: StoredRecord<Version>) {
    const client = servers[server]!
    if (known?.version.node !== server) return client.get(key, ttl).then(toRecord[server]!)
    const hit = { value: known.bytes, cas: known.version.cas }
    return client
      .get(key, ttl, hit)
      .then((found) => (found === hit ? known : toRecord[server]!(found)))
  }

  /** The first is asked again, because the record may have moved after it was asked. */
  async function getFromEither(
    first: number,
    second: number,
    key: string,
    ttl?: number,
    known?: StoredRecord<Version>,
  ) {
    return (
      (await getFrom(first, key, ttl, known)) ??
      (await getFrom(second, key, ttl, known)) ??
      getFrom(first, key, ttl)
    )
  }

  /** In this order, which a record that moves at the same time does not survive. */
  async function deleteFromBoth(first: number, second: number, key: string) {
    const former = servers[second]!.delete(key)
    await former.catch(() => undefined)
    const result = await servers[first]!.delete(key)
    return (await former) === 'deleted' ? 'deleted' : result
  }

  /** Over a claim, for which a load found no record. */
  async function addOverClaim(first: Client, key: string, value: Uint8Array, ttl: number) {
    const found = await first.get(key)
    if (found === null || !isClaim(found)) return false
    return (await first.replace(key, value, ttl, found.cas)) === 'saved'
  }

  /** No copy may be left at the second when the one at the first is written or deleted. */
  async function dropCopy(key: string, { node, stage }: Version): Promise<void> {
    const [first, second] = rank(key)
    if (stage === 'copied' && node === first && second >= 0) await servers[second]!.delete(key)
  }

  /** What the second does not have may have moved to the first. */
  async function unlessMoved<result extends string>(key: string, result: result | 'missing') {
    if (result !== 'missing') return result
    return (await servers[rank(key)[0]]!.get(key)) === null ? 'missing' : 'conflict'
  }

  /** A frozen record may have been copied already, or be about to. */
  async function deleteFrozen(key: string, { cas, node }: Version) {
    const result = await servers[node]!.delete(key, cas)
    if (result !== 'deleted') return unlessMoved(key, result)
    const first = servers[rank(key)[0]]!
    const found = await first.get(key)
    if (found === null) return 'deleted'
    if (!isClaim(found)) return 'conflict'
    return (await first.delete(key, found.cas)) === 'conflict' ? 'conflict' : 'deleted'
  }

  return {
    get(key, ttl, known) {
      const [first, second] = rank(key)
      if (!asksSecond || second < 0) return getFrom(first, key, ttl, known)
      return getFromEither(first, second, key, ttl, known)
    },
    async add(key, value, ttl) {
      const first = servers[rank(key)[0]]!
      return (await first.add(key, value, ttl)) || addOverClaim(first, key, value, ttl)
    },
    replace(key, value, ttl, version) {
      const { cas, node, stage } = version
      const isAtSecond = node === secondOf(key)
      if (isAtSecond && (stage === 'frozen' || moves())) {
        const [first, second] = [servers[rank(key)[0]]!, servers[node]!]
        return moveToFirst({ first, second, key, value, ttl, cas })
      }
      const save = () => servers[node]!.replace(key, value, ttl, cas)
      if (isAtSecond) return save().then((result) => unlessMoved(key, result))
      return stage === undefined ? save() : dropCopy(key, version).then(save)
    },
    async delete(key, version) {
      const [first, second] = rank(key)
      if (version === undefined) {
        if (!asksSecond || second < 0) return servers[first]!.delete(key)
        return deleteFromBoth(first, second, key)
      }
      const { cas, node, stage } = version
      const isAtSecond = node === secondOf(key)
      if (isAtSecond && stage === 'frozen') return deleteFrozen(key, version)
      if (stage !== undefined) await dropCopy(key, version)
      const result = await servers[node]!.delete(key, cas)
      return isAtSecond ? unlessMoved(key, result) : result
    },
  }
}

function recordOf({ value, cas }: Hit, node: number): StoredRecord<Version> | null {
  const framed = readFrame(value)
  if (framed === null) return { bytes: value, version: { cas, node } }
  const { stage, bytes } = framed
  return stage === 'claimed' ? null : { bytes, version: { cas, node, stage } }
}
