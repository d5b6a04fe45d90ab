import { createHash } from 'node:crypto'
import type { Ranking, Share } from './rendezvous.ts'

interface Point {
  readonly at: number
  readonly node: number
}

const pointsPerDigest = 4
const digestsPerNode = 40

/**
 * libmemcached's weighted ketama (`MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED`), for clusters that other clients
 * share: a ring of points from MD5 of `host-i`, or `host:port-i` where the port is not 11211; a key belongs to
 * the first point at or after its own. The second rank is the next point of another node.
 *
 * The number of points follows libmemcached 1.1 (libmemcached/hosts.cc, update_continuum), floating point
 * included.
 */
export function ketama(shares: readonly Share[]): Ranking {
  const ring = shares.flatMap((share, node) => pointsOf(share, node, shares))
  // libmemcached sorts by the point alone; of two nodes at one point the sort decides, here the first named.
  ring.sort((left, right) => left.at - right.at || left.node - right.node)

  return function rank(key) {
    const first = find(ring, pointAt(digest(key), 0))
    const node = ring[first]!.node
    for (let step = 1; step < ring.length; step++) {
      const next = ring[(first + step) % ring.length]!.node
      if (next !== node) return [node, next]
    }
    return [node, -1]
  }
}

function pointsOf({ name, weight }: Share, node: number, shares: readonly Share[]): Point[] {
  const total = shares.reduce((sum, share) => sum + share.weight, 0)
  const portion = Math.fround(weight / total)
  const share = Math.fround(Math.fround(portion * pointsPerDigest * digestsPerNode) / pointsPerDigest)
  const digests = Math.floor(Math.fround(share * shares.length) + 0.000_000_000_1)
  const host = name.endsWith(':11211') ? name.slice(0, -':11211'.length) : name
  return Array.from({ length: digests }, (_, index) => digest(`${host}-${index}`)).flatMap((bytes) =>
    [0, 1, 2, 3].map((part) => ({ at: pointAt(bytes, part), node })),
  )
}

function digest(text: string): Buffer {
  return createHash('md5').update(text).digest()
}

function pointAt(bytes: Buffer, part: number): number {
  return bytes.readUInt32LE(part * 4)
}

/** The first point at or after `at`; past the last one, the first of all. */
function find(ring: readonly Point[], at: number): number {
  let low = 0
  let high = ring.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ring[middle]!.at < at) low = middle + 1
    else high = middle
  }
  return low === ring.length ? 0 : low
}
