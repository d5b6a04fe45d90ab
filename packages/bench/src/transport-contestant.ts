export type Operation = 'read' | 'write'

/** A client to measure. Keys are numbered from 0. */
export interface Contestant {
  /** Does the operation `total` times, on one key after another, `inFlight` at a time. */
  readonly run: (operation: Operation, total: number, inFlight: number) => Promise<void>
  /** Prepares for `run`; not measured. */
  readonly prepare: (operation: Operation, total: number) => Promise<void>
  readonly close: () => unknown
}

/** The size of a value in bytes, and a text of that size for clients that accept only text. */
export const size = 1024
export const text = 'v'.repeat(size)
