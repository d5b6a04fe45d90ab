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
    if (length > longestPart || !canPin()) return ownMemory(length)
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

/** Copies the bytes and overwrites the original with zeros: the memory that an encoder writes to stays. */
export function takeOut(allocate: Allocate, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
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
  return (known ??= isPinned(new ArrayBuffer(1)))
}

function isPinned(buffer: ArrayBuffer): boolean {
  try {
    pin(buffer)
  } catch {
    return false
  }
  try {
    structuredClone(buffer, { transfer: [buffer] })
  } catch {
    return true
  }
  return false
}
