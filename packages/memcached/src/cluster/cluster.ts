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
  /** Set while the record moves from the second server to the first: see `Stage`. */
  readonly stage?: 'frozen' | 'copied'
}

/**
 * Several servers as one. A key belongs to its first-ranked server. If that server is down, the session is unavailable:
 * a failover could revive a session that was signed out while the server was down.
 */
export interface Cluster {
  /** May return `known` if the record still has its version. */
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
  /** Without a version: deletes the key on every server that may have it, and rejects unless all confirm. */
  readonly delete: (key: string, version?: Version) => Promise<'deleted' | 'conflict' | 'missing'>
}

export interface ClusterOptions {
  readonly servers: readonly Client[]
  readonly rank: Ranking
  /**
   * Whether a key that the first server does not have is looked up on the second, which had it before a server was
   * added. Records found there are saved there, until `moves` says that a save moves them to the first.
   */
  readonly asksSecond: boolean
  readonly moves: () => boolean
}

export function createCluster({ servers, rank, asksSecond, moves }: ClusterOptions): Cluster {
  /** One function for each server, so that no closure is made per command. */
  const toRecord = servers.map((_, node) => (hit: Hit | null) => hit && recordOf(hit, node))

  /** -1: the second server is not queried. */
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

  /** Reads the first server twice, because the record may move there in between. */
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

  /** Second server first: a record that moves at the same time is then deleted as well. */
  async function deleteFromBoth(first: number, second: number, key: string) {
    const former = servers[second]!.delete(key)
    await former.catch(() => undefined)
    const result = await servers[first]!.delete(key)
    return (await former) === 'deleted' ? 'deleted' : result
  }

  /** Replaces a claim, for which a load reports no record. */
  async function addOverClaim(first: Client, key: string, value: Uint8Array, ttl: number) {
    const found = await first.get(key)
    if (found === null || !isClaim(found)) return false
    return (await first.replace(key, value, ttl, found.cas)) === 'saved'
  }

  /** The copy on the second server must be gone before the one on the first is written or deleted. */
  async function dropCopy(key: string, { node, stage }: Version): Promise<void> {
    const [first, second] = rank(key)
    if (stage === 'copied' && node === first && second >= 0) await servers[second]!.delete(key)
  }

  /** A record that the second server does not have may have moved to the first. */
  async function unlessMoved<result extends string>(key: string, result: result | 'missing') {
    if (result !== 'missing') return result
    return (await servers[rank(key)[0]]!.get(key)) === null ? 'missing' : 'conflict'
  }

  /** A frozen record may have been copied to the first server, or be about to be. */
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
