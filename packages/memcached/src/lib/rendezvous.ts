/**
 * Rendezvous hashing: every node draws a number for the key, and the highest wins. When a node is
 * added or removed, only the keys that it wins move. The names decide, not their order.
 */
export function rendezvous(names: readonly string[]): (key: string) => number {
  const seeds = names.map((name) => mix(fold(name)))
  if (seeds.length === 1) return () => 0
  return function pick(key: string): number {
    const folded = fold(key)
    let winner = 0
    let highest = -1
    for (let node = 0; node < seeds.length; node++) {
      const drawn = mix(folded ^ seeds[node]!)
      if (drawn > highest) {
        highest = drawn
        winner = node
      }
    }
    return winner
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
