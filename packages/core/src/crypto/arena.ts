/** Gives arrays of zeros. */
export type Allocate = (length: number) => Uint8Array<ArrayBuffer>

const blockLength = 16_384
const longestPart = 4096

/**
 * Small arrays as parts of larger ones. Memory of its own, outside of the heap, takes longer than to seal a small record.
 * No byte is given away twice. Of a part, all of the larger array can be read by its `buffer`: so what may not be seen
 * together needs arenas of its own, and the pool of Buffers, where all of the process leaves its texts, is none.
 *
 * Whoever transfers a `buffer` to another thread takes it from all parts. Where the runtime cannot refuse that, each
 * array has memory of its own.
 */
export function createArena(): Allocate {
  let block = new ArrayBuffer(0)
  let used = 0
  return (length) => {
    if (length > longestPart || !canPin()) return new Uint8Array(length)
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
  const copy = allocate(bytes.length)
  copy.set(bytes)
  return copy
}

/** The same, and zeros in the place that they were in: what an encoder writes to stays in memory. */
export function takeOut(bytes: Uint8Array, allocate: Allocate): Uint8Array<ArrayBuffer> {
  const copy = copyBytes(allocate, bytes)
  bytes.fill(0)
  return copy
}

interface Host {
  readonly process?: {
    readonly getBuiltinModule?: (
      name: string,
    ) => { readonly markAsUntransferable?: (buffer: ArrayBuffer) => void } | undefined
  }
}

/** Makes transferring it an error, where the runtime has that: Node. */
function pin(buffer: ArrayBuffer): void {
  const host = globalThis as Host
  const threads = host.process?.getBuiltinModule?.('node:worker_threads')
  threads?.markAsUntransferable?.(buffer)
}

let known: boolean | undefined

/** Whether `pin` has an effect; some runtimes have a function that does nothing, or throws. */
function canPin(): boolean {
  known ??= isPinned(new ArrayBuffer(1))
  return known
}

function isPinned(buffer: ArrayBuffer): boolean {
  try {
    pin(buffer)
  } catch {
    return false
  }
  try {
    structuredClone(buffer, { transfer: [buffer] })
    return false
  } catch {
    return true
  }
}
