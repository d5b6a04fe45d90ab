import type { Prng } from './prng.ts'

export type ByteKind =
  'random' | 'flipped' | 'cut' | 'spliced' | 'bomb' | 'frame' | 'deep' | 'whole'

type Make = (prng: Prng, record: Uint8Array) => Uint8Array

/** Bytes that a damaged, foreign or hostile store might return. */
export function nextBytes(prng: Prng, record: Uint8Array): { kind: ByteKind; bytes: Uint8Array } {
  const kind = prng.pick(kinds)
  return { kind, bytes: makers[kind](prng, record) }
}

const makers: Readonly<Record<ByteKind, Make>> = {
  random: (prng) => prng.fill(new Uint8Array(prng.below(200))),
  flipped(prng, record) {
    const bytes = record.slice()
    for (let flips = 1 + prng.below(4); flips > 0; flips--) {
      const at = prng.below(bytes.length)
      bytes[at] = (bytes[at] as number) ^ (1 << prng.below(8))
    }
    return bytes
  },
  cut: (prng, record) => record.slice(0, prng.below(record.length)),
  spliced(prng, record) {
    const at = prng.below(record.length)
    const from = prng.below(record.length)
    const length = prng.below(40)
    return join(record.subarray(0, at), record.subarray(from, from + length), record.subarray(at))
  },
  bomb: (prng) => bomb(prng),
  /** A valid record frame around invalid values. */
  frame: (prng) => frame(prng, prng.chance(0.5) ? bomb(prng) : makers.random(prng, none)),
  deep: (prng) => new Uint8Array(prng.below(60_000)).fill(prng.pick([0x91, 0x81, 0xdc, 0xc7])),
  whole: (_prng, record) => record,
}

const kinds = Object.keys(makers) as ByteKind[]
const none = new Uint8Array(0)

/** A few bytes that announce a huge length. */
function bomb(prng: Prng): Uint8Array {
  const head = prng.pick([0xdd, 0xdf, 0xdb, 0xc6, 0xc9, 0xdc, 0xde, 0xda, 0xc5, 0xc8])
  const size = prng.pick([0xffffffff, 0x7fffffff, 0x02000000, 0x00ffffff, 0x0000ffff])
  const announced = Uint8Array.of(head, size >>> 24, size >>> 16, size >>> 8, size)
  const rest = prng.fill(new Uint8Array(prng.below(20)))
  const before = prng.chance(0.5) ? none : Uint8Array.of(0x99, 0x01)
  return join(before, announced, rest)
}

/** `[4, time, nil, time, nil, root, 0, ids, { key: bin(value) }, 0, false]`, encoded by hand. The time is in 2039. */
function frame(prng: Prng, value: Uint8Array): Uint8Array {
  const time = Uint8Array.of(0xcf, 0, 0, 0x01, 0xff, 0, 0, 0, 0)
  const root = join(Uint8Array.of(0xc4, 16), prng.fill(new Uint8Array(16)))
  const head = join(
    Uint8Array.of(0x9b, 0x04),
    time,
    Uint8Array.of(0xc0),
    time,
    Uint8Array.of(0xc0),
    root,
  )
  const key = prng.pick([Uint8Array.of(0xa1, 0x61), underscored])
  const block = join(Uint8Array.of(0xc5, value.length >> 8, value.length & 0xff), value)
  const [before, after] = [Uint8Array.of(0x00, 0xc4, 0x00, 0x81), Uint8Array.of(0x00, 0xc2)]
  return join(head, before, key, block, after)
}

const underscored = join(Uint8Array.of(0xa9), new TextEncoder().encode('__proto__'))

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
