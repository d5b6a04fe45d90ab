import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Outbox } from './outbox.ts'

/** A socket that records its writes and completes them when told to. */
function fakeSocket() {
  const writes: number[] = []
  const bytes: Buffer[] = []
  const waiting: (() => void)[] = []
  const write = (chunk: Buffer, done: () => void) => {
    writes.push(chunk.length)
    bytes.push(Buffer.from(chunk))
    waiting.push(done)
  }
  return {
    socket: { write } as unknown as Socket,
    writes,
    bytes: () => Buffer.concat(bytes),
    handOn: () => waiting.shift()!(),
    pending: () => waiting.length,
  }
}

/** Commands of these lengths, each of one letter. Their last bytes are the tail. */
function fill(outbox: Outbox, lengths: readonly number[], cuts: boolean, tail = 0): string {
  return lengths
    .map((length, at) => {
      const start = outbox.end
      const out = outbox.reserve(length)
      out.fill(97 + (at % 26), start, start + length)
      outbox.end = start + length
      if (cuts) outbox.cut(start, tail)
      return String.fromCharCode(97 + (at % 26)).repeat(length)
    })
    .join('')
}

describe('what waits for a socket', () => {
  test('is one write, however many commands', () => {
    const { socket, writes, bytes, handOn } = fakeSocket()
    const outbox = new Outbox()
    const text = fill(outbox, Array<number>(1000).fill(100), false)
    let written = 0
    outbox.flush(socket, () => written++)
    expect(writes).toEqual([100_000])
    expect(String(bytes())).toBe(text)
    expect(written).toBe(0)
    handOn()
    expect(written).toBe(1)
    expect(outbox.end).toBe(0)
  })

  test('is a write for each record over TLS, one after the other, and no command is torn', () => {
    const { socket, writes, bytes, handOn, pending } = fakeSocket()
    const outbox = new Outbox()
    const lengths = Array.from({ length: 300 }, (_, at) => 50 + ((at * 977) % 3000))
    const text = fill(outbox, lengths, true)
    let written = 0
    outbox.flush(socket, () => written++)
    while (pending() > 0) {
      expect(pending()).toBe(1)
      expect(written).toBe(0)
      handOn()
    }
    expect(written).toBe(1)
    expect(String(bytes())).toBe(text)
    expect(Math.max(...writes)).toBeLessThanOrEqual(16_384)
    // As few pieces as possible: the next command would not have fitted into any of them.
    expect(writes.length).toBeLessThan(text.length / (16_384 - 3050) + 1)
    const ends = new Set(lengths.map((_, at) => sum(lengths.slice(0, at + 1))))
    for (let at = 1; at <= writes.length; at++) expect(ends).toContain(sum(writes.slice(0, at)))
  })

  test('has a long command for itself over TLS, and its tail behind it', () => {
    const { socket, writes, handOn, pending } = fakeSocket()
    const outbox = new Outbox()
    fill(outbox, [100, 20_000, 40_000, 300, 16_384, 1], true, 10)
    outbox.flush(socket, () => {})
    while (pending() > 0) handOn()
    expect(writes).toEqual([100, 19_990, 10, 39_990, 310, 16_384, 1])
  })

  test('keeps its pieces when what comes first is forgotten', () => {
    const { socket, writes, bytes, handOn, pending } = fakeSocket()
    const outbox = new Outbox()
    const text = fill(outbox, [10_000, 10_000, 10_000, 20_000, 5000], true)
    outbox.drop(20_000)
    outbox.flush(socket, () => {})
    while (pending() > 0) handOn()
    expect(writes).toEqual([10_000, 20_000, 5000])
    expect(String(bytes())).toBe(text.slice(20_000))
  })

  test('can be filled while the last is being written, and is written in turn', () => {
    const { socket, bytes, handOn, pending } = fakeSocket()
    const outbox = new Outbox()
    let expected = ''
    for (let round = 0; round < 5; round++) {
      expected += fill(outbox, [9000, 9000, 20_000], true, 10)
      outbox.flush(socket, () => {})
      const next = fill(outbox, [100 + round], true)
      while (pending() > 0) handOn()
      expected += next
      outbox.flush(socket, () => {})
      handOn()
    }
    expect(String(bytes())).toBe(expected)
  })
})

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
