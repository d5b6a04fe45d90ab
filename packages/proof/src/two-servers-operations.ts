import type { Cluster } from '../../memcached/src/cluster/cluster.ts'

/** The record of one `add`: its id, and the writes in it. */
export interface Content {
  readonly origin: number
  readonly writes: readonly number[]
}

export type Kind = 'read' | 'write' | 'destroy' | 'delete' | 'create'

export interface Done {
  readonly kind: Kind
  readonly id: number
  readonly start: number
  /** Infinity: it never ended, or ended with an error. */
  end: number
  outcome: 'running' | 'found' | 'none' | 'saved' | 'ended' | 'created' | 'starved' | 'unknown'
  content?: Content
}

export const key = 'key'
export const maxTries = 12

/** The operations of a process on the record, through the real cluster. */
export const operations: Readonly<
  Record<Kind, (cluster: () => Cluster, done: Done) => Promise<Done['outcome']>>
> = {
  async read(cluster, done) {
    const found = await cluster().get(key)
    if (found === null) return 'none'
    done.content = decode(found.bytes)
    return 'found'
  },
  async write(cluster, done) {
    for (let turn = 0; turn < maxTries; turn++) {
      const found = await cluster().get(key)
      if (found === null) return 'none'
      const content = decode(found.bytes)
      const next = { ...content, writes: [...content.writes, done.id] }
      const saved = await cluster().replace(key, encode(next), 60, found.version)
      if (saved === 'missing') return 'none'
      if (saved === 'conflict') continue
      done.content = next
      return 'saved'
    }
    return 'starved'
  },
  async destroy(cluster, done) {
    for (let turn = 0; turn < maxTries; turn++) {
      const found = await cluster().get(key)
      if (found === null) return 'none'
      const deleted = await cluster().delete(key, found.version)
      if (deleted === 'conflict') continue
      done.content = decode(found.bytes)
      return 'ended'
    }
    return 'starved'
  },
  async delete(cluster) {
    await cluster().delete(key)
    return 'ended'
  },
  async create(cluster, done) {
    if ((await cluster().get(key)) !== null) return 'found'
    const isOurs = await cluster().add(key, encode({ origin: done.id, writes: [] }), 60)
    return isOurs ? 'created' : 'found'
  },
}

export function encode(content: Content): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(content))
}

function decode(bytes: Uint8Array): Content {
  return JSON.parse(new TextDecoder().decode(bytes)) as Content
}
