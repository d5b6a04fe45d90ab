import { createHash } from 'node:crypto'
import { refuseOption } from '../check-option.ts'
import type { HashedServer, Ranking } from './hashed-server.ts'

interface Point {
  readonly at: number
  readonly server: number
}

const pointsPerDigest = 4
const digestsPerServer = 40

/**
 * libmemcached's weighted ketama (`MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED`), for clusters shared with
 * other clients: a ring of points from MD5 of `host-i`, or `host:port-i` if the port is not 11211.
 * A key belongs to the first point at or after its own; the next point of another server ranks
 * second.
 *
 * The number of points follows libmemcached 1.1 (src/libmemcached/hosts.cc, update_continuum),
 * including its floating-point rounding. Unlike libmemcached, host names are hashed in lower case.
 * @throws {SessionError} `invalid-option`, if a weight is not whole or too small for a single
 * point.
 */
export function ketama(servers: readonly HashedServer[]): Ranking {
  const ring = servers.flatMap((server, index) => pointsOf(server, index, servers))
  // libmemcached compares points only, and glibc's sort keeps the order of equal ones.
  ring.sort((left, right) => left.at - right.at || left.server - right.server)

  return function rank(key) {
    const first = find(ring, pointAt(digest(key), 0))
    const { server } = ring[first]!
    for (let step = 1; step < ring.length; step++) {
      const next = ring[(first + step) % ring.length]!.server
      if (next !== server) return [server, next]
    }
    return [server, -1]
  }
}

function pointsOf(
  { name, weight }: HashedServer,
  server: number,
  servers: readonly HashedServer[],
): Point[] {
  if (!Number.isInteger(weight)) {
    refuseOption('servers:', `${name}: ketama requires whole weights`)
  }
  const total = servers.reduce((sum, { weight }) => sum + weight, 0)
  const portion = Math.fround(weight / total)
  const points = Math.fround(portion * pointsPerDigest * digestsPerServer)
  const share = Math.fround(points / pointsPerDigest)
  const digests = Math.floor(Math.fround(share * servers.length))
  if (digests === 0) refuseOption('servers:', `${name}: the weight is too small, raise it`)
  const host = hostOf(name)
  return Array.from({ length: digests }, (_, index) => index).flatMap((index) => {
    const bytes = digest(`${host}-${index}`)
    return [0, 1, 2, 3].map((part) => ({ at: pointAt(bytes, part), server }))
  })
}

/** The spelling of libmemcached: no brackets around IPv6, and port 0 for a unix socket. */
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

/** The first point at or after `at`. The ring wraps around after the last one. */
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
