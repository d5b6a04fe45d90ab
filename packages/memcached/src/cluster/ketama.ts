import { createHash } from 'node:crypto'
import { StoreError } from '../errors.ts'
import type { Ranking, Share } from './rendezvous.ts'

interface Point {
  readonly at: number
  readonly node: number
}

const pointsPerDigest = 4
const digestsPerNode = 40

/**
 * libmemcached's weighted ketama (`MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED`), for clusters that other
 * clients share: a ring of points from MD5 of `host-i`, or `host:port-i` where the port is not
 * 11211; a key belongs to the first point at or after its own. The second rank is the next point of
 * another node.
 *
 * The number of points follows libmemcached 1.1 (src/libmemcached/hosts.cc, update_continuum),
 * floating point included. libmemcached hashes host names as they are written, we in lower case.
 * @throws {StoreError} `config`, when a weight is not whole, or so small that its node gets no
 * point.
 */
export function ketama(shares: readonly Share[]): Ranking {
  const ring = shares.flatMap((share, node) => pointsOf(share, node, shares))
  // libmemcached sorts by the point alone, and the sort of glibc keeps the order of the list.
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
  if (!Number.isInteger(weight)) throw wrong(name, 'ketama knows whole weights only')
  const total = shares.reduce((sum, share) => sum + share.weight, 0)
  const portion = Math.fround(weight / total)
  const points = Math.fround(portion * pointsPerDigest * digestsPerNode)
  const share = Math.fround(points / pointsPerDigest)
  const digests = Math.floor(Math.fround(share * shares.length))
  if (digests === 0) throw wrong(name, 'its weight is too small, ketama gives it no key')
  const host = hostOf(name)
  return Array.from({ length: digests }, (_, index) => index).flatMap((index) => {
    const bytes = digest(`${host}-${index}`)
    return [0, 1, 2, 3].map((part) => ({ at: pointAt(bytes, part), node }))
  })
}

/** As libmemcached writes it: without the brackets of IPv6, and a unix socket has port 0. */
function hostOf(name: string): string {
  if (name.startsWith('/')) return `${name}:0`
  return name.replace(/:11211$/, '').replace(/^\[(.*)\]/, '$1')
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

function wrong(name: string, why: string): StoreError {
  return new StoreError('config', `memcachedStore: servers: ${name}: ${why}`, { sent: false })
}
