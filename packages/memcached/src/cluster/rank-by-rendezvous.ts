import type { HashedServer, Ranking } from './hashed-server.ts'

/**
 * Rendezvous hashing: every server draws a number for the key, and the highest draw ranks first. If
 * a server is added or removed, only its own keys move, and the former first server of a key that
 * moves to a new server ranks second.
 *
 * Weights follow Schindelhauer and Schomaker, "Weighted Distributed Hash Tables": the draw is
 * `-weight / ln(u)` for a uniform `u`.
 */
export function rendezvous(servers: readonly HashedServer[]): Ranking {
  if (servers.length === 1) return () => [0, -1]
  const seeds = servers.map(({ name }) => mix(fold(name)))
  const isEven = servers.every(({ weight }) => weight === servers[0]?.weight)
  const draw = (hash: number, server: number): number =>
    isEven ? hash : -servers[server]!.weight / Math.log((hash + 0.5) / 2 ** 32)

  return function rank(key) {
    const folded = fold(key)
    let first = -1
    let second = -1
    let highest = -1
    let next = -1
    for (let server = 0; server < seeds.length; server++) {
      const drawn = draw(mix(folded ^ seeds[server]!), server)
      if (drawn > highest) {
        ;[second, next] = [first, highest]
        ;[first, highest] = [server, drawn]
      } else if (drawn > next) {
        ;[second, next] = [server, drawn]
      }
    }
    return [first, second]
  }
}

/** 32-bit FNV-1a. */
function fold(text: string): number {
  let hash = 0x811c_9dc5
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193)
  }
  return hash
}

/** The final step of MurmurHash3: every input bit affects half of the output bits. */
function mix(input: number): number {
  let hash = input
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
