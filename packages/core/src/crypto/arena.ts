/** Gives arrays of zeros. */
export type Allocate = (length: number) => Uint8Array<ArrayBuffer>

/** Gives each array memory of its own. */
export const ownMemory: Allocate = (length) => new Uint8Array(length)

const blockLength = 16_384
const longestPart = 4096

/**
 * Gives small arrays as parts of larger ones, because to allocate an array outside of the heap takes longer than to seal
 * a small record. No byte is given out twice. The `buffer` of a part shows the whole larger array, so data that must not
 * be seen together needs separate arenas. For the same reason the pool of Buffers is not used: the whole process has its
 * texts there.
 *
 * A transfer of the `buffer` to another thread would take it from all parts. Node refuses that. Where the runtime cannot
 * refuse it, each array has memory of its own.
 */
export function createArena(): Allocate {
  let block = new ArrayBuffer(0)
  let used = 0
  return (length) => {
    pin ??= findPin()
    if (length > longestPart || !pin) return ownMemory(length)
    if (used + length > block.byteLength) {
      block = new ArrayBuffer(blockLength)
      pin(block)
      used = 0
    }
    used += length
    return new Uint8Array(block, used - length, length)
  }
}

/** A copy of the bytes. */
export function copyBytes(allocate: Allocate, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  // Not written twice, first with zeros.
  if (bytes.length > longestPart) return new Uint8Array(bytes)
  const copy = allocate(bytes.length)
  copy.set(bytes)
  return copy
}

/** Copies the bytes and overwrites the original with zeros: the memory that an encoder writes to stays. */
export function takeOut(allocate: Allocate, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = copyBytes(allocate, bytes)
  bytes.fill(0)
  return copy
}

/** Makes a transfer of the buffer an error. */
type Pin = (buffer: ArrayBuffer) => void

interface Host {
  readonly process?: {
    readonly getBuiltinModule?: (
      name: string,
    ) => { readonly markAsUntransferable?: Pin } | undefined
  }
}

/** `undefined`: not looked for yet. */
let pin: Pin | false | undefined

/** `false`: the runtime has none, or one that does nothing or throws. Node has one. */
function findPin(): Pin | false {
  const host = globalThis as Host
  const probe = new ArrayBuffer(1)
  let pinned: Pin | undefined
  try {
    // The edge sandbox of Next.js has a function here that throws.
    const mark = host.process?.getBuiltinModule?.('node:worker_threads')?.markAsUntransferable
    mark?.(probe)
    pinned = mark
    structuredClone(probe, { transfer: [probe] })
  } catch {
    if (pinned) return pinned
  }
  return false
}
