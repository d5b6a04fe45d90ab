/**
 * Which nodes a key belongs to: the first two, by index; the second is -1 where there is only one.
 */
export type Ranking = (key: string) => readonly [first: number, second: number]

/** A node as hashing sees it. */
export interface Share {
  /** Decides; the order of nodes does not. */
  readonly name: string
  /** A node of weight 2 gets twice the keys of one of weight 1. */
  readonly weight: number
}

/**
 * Rendezvous hashing: every node draws a number for the key, and the highest wins. When a node is
 * added or removed, only the keys that it wins move; those that it wins from others have these as
 * their second.
 *
 * Weights as in Schindelhauer and Schomaker, "Weighted Distributed Hash Tables": the draw is
 * `-weight / ln(u)` of a uniform `u`.
 */
export function rendezvous(shares: readonly Share[]): Ranking {
  if (shares.length === 1) return () => [0, -1]
  const seeds = shares.map(({ name }) => mix(fold(name)))
  const isEven = shares.every(({ weight }) => weight === shares[0]?.weight)
  const draw = (hash: number, node: number): number =>
    isEven ? hash : -shares[node]!.weight / Math.log((hash + 0.5) / 2 ** 32)

  return function rank(key) {
    const folded = fold(key)
    let first = -1
    let second = -1
    let highest = -1
    let next = -1
    for (let node = 0; node < seeds.length; node++) {
      const drawn = draw(mix(folded ^ seeds[node]!), node)
      if (drawn > highest) {
        ;[second, next] = [first, highest]
        ;[first, highest] = [node, drawn]
      } else if (drawn > next) {
        ;[second, next] = [node, drawn]
      }
    }
    return [first, second]
  }
}

/** FNV-1a of 32 bits. */
function fold(text: string): number {
  let hash = 0x811c_9dc5
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193)
  }
  return hash
}

/** MurmurHash3's last step: each bit of the input changes half of the output. */
function mix(input: number): number {
  let hash = input
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
