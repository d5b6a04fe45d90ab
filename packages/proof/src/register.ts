/** One operation on a register, on a shared clock. It took effect between the two times. */
export interface RegisterOp {
  readonly kind: 'write' | 'read'
  /** Unique among the writes. */
  readonly value: string
  readonly start: number
  /** Infinity for a write whose end is unknown. */
  readonly end: number
}

/** The operations of one value, reduced to two times. */
interface Zone {
  readonly value: string
  /** When the first of its operations ended. */
  readonly firstEnd: number
  /** When the last of its operations began. */
  readonly lastStart: number
}

/**
 * Whether the operations on one register can be ordered consistently with the clock, so that every read returns the
 * preceding write. Null if so, otherwise the reason. Every value has one write.
 *
 * Gibbons and Korach, "Testing Shared Memories" (SIAM J. Comput. 26, 1997): with unique values, it suffices that no two
 * values must have been current at the same time, and that no value's lifetime lies within that of another. O(n log n).
 */
export function checkRegister(ops: readonly RegisterOp[]): string | null {
  const early = readBeforeWrite(ops)
  if (early !== null) return early
  const zones = zonesOf(ops)
  const forward = zones
    .filter(({ firstEnd, lastStart }) => firstEnd < lastStart)
    .toSorted((left, right) => left.firstEnd - right.firstEnd)
  for (const [at, zone] of forward.entries()) {
    const next = forward[at + 1]
    if (next !== undefined && next.firstEnd < zone.lastStart) {
      return `${zone.value} was read again after ${next.value}`
    }
  }
  return swallowed(zones, forward)
}

function readBeforeWrite(ops: readonly RegisterOp[]): string | null {
  const writes = new Map<string, RegisterOp>()
  for (const op of ops) if (op.kind === 'write') writes.set(op.value, op)
  for (const { kind, value, end } of ops) {
    if (kind === 'write') continue
    const write = writes.get(value)
    if (write === undefined) return `${value} was read, and was never written`
    if (end < write.start) return `${value} was read before it was written`
  }
  return null
}

function zonesOf(ops: readonly RegisterOp[]): Zone[] {
  const zones = new Map<string, { value: string; firstEnd: number; lastStart: number }>()
  for (const { value, start, end } of ops) {
    const zone = zones.get(value) ?? { value, firstEnd: Infinity, lastStart: -Infinity }
    zone.firstEnd = Math.min(zone.firstEnd, end)
    zone.lastStart = Math.max(zone.lastStart, start)
    zones.set(value, zone)
  }
  return [...zones.values()]
}

/** A value whose whole lifetime lies within a time in which another value was current. */
function swallowed(zones: readonly Zone[], forward: readonly Zone[]): string | null {
  for (const { value, firstEnd, lastStart } of zones) {
    if (firstEnd < lastStart) continue
    const around = lastBefore(forward, lastStart)
    if (around !== undefined && firstEnd < around.lastStart) {
      return `${value} was written while ${around.value} held before and after`
    }
  }
  return null
}

/** The last zone, by first end, that begins before `time`. */
function lastBefore(zones: readonly Zone[], time: number): Zone | undefined {
  let low = 0
  let high = zones.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((zones[middle] as Zone).firstEnd < time) low = middle + 1
    else high = middle
  }
  return zones[low - 1]
}
