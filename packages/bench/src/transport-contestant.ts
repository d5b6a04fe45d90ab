export type Operation = 'read' | 'write'

/** A client that is measured. Keys are numbered from 0. */
export interface Contestant {
  /** Does the operation `total` times, on one key after the other, `inFlight` at a time. */
  readonly run: (operation: Operation, total: number, inFlight: number) => Promise<void>
  /** What `run` needs, and does not count. */
  readonly prepare: (operation: Operation, total: number) => Promise<void>
  readonly close: () => unknown
}

/** Bytes of a value, and of the text where a client takes only that. */
export const size = 1024
export const text = 'v'.repeat(size)
