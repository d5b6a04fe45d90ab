/** Allocates zeroed arrays. */
export type Allocate = (length: number) => Uint8Array<ArrayBuffer>

/** Allocates each array with its own memory. */
export const ownMemory: Allocate = (length) => new Uint8Array(length)

const blockLength = 16_384
const longestPart = 4096

/**
 * Allocates small arrays as views of larger ones, because allocating an array outside the heap takes longer than
 * sealing a small record. No byte is handed out twice. The `buffer` of a view exposes the whole larger array, so data
 * that must not be seen together needs separate arenas. Node's Buffer pool is not used for the same reason: it holds
 * texts of the whole process.
 *
 * Transferring the `buffer` to another thread would detach all views. Node can refuse such a transfer. In runtimes that
 * cannot, each array has its own memory.
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
  // Allocates without zeroing first.
  if (bytes.length > longestPart) return new Uint8Array(bytes)
  const copy = allocate(bytes.length)
  copy.set(bytes)
  return copy
}

/** Copies the bytes and zeroes the original, because an encoder keeps its output memory. */
export function takeOut(allocate: Allocate, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = copyBytes(allocate, bytes)
  bytes.fill(0)
  return copy
}

/** Makes a transfer of the buffer throw. */
type Pin = (buffer: ArrayBuffer) => void

interface Host {
  readonly process?: {
    readonly getBuiltinModule?: (
      name: string,
    ) => { readonly markAsUntransferable?: Pin } | undefined
  }
}

/** `undefined`: not looked up yet. */
let pin: Pin | false | undefined

/** `false` if the runtime has no such function, or one that does nothing or throws. Node has one. */
function findPin(): Pin | false {
  const host = globalThis as Host
  const probe = new ArrayBuffer(1)
  let pinned: Pin | undefined
  try {
    // In the edge sandbox of Next.js, this function exists but throws.
    const mark = host.process?.getBuiltinModule?.('node:worker_threads')?.markAsUntransferable
    mark?.(probe)
    pinned = mark
    structuredClone(probe, { transfer: [probe] })
  } catch {
    if (pinned) return pinned
  }
  return false
}
