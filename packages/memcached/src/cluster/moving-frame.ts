/**
 * The stage of a record that moves from its second server to its first.
 *
 * - `claimed`, on the first: there is no record here; a process is about to move the second's.
 * - `frozen`, on the second: the record. It can no longer be saved here, only moved.
 * - `copied`, on the first: the record. The second may still have a copy.
 */
export type Stage = 'claimed' | 'frozen' | 'copied'

const stages = ['claimed', 'frozen', 'copied'] as const
const header = Uint8Array.from('\xffmoving', (character) => character.charCodeAt(0))

/** Bytes that a frame adds to a record. */
export const frameBytes: number = header.length + 1

export interface Framed {
  readonly stage: Stage
  readonly bytes: Uint8Array
}

/** Whether the value is a claim, which contains no record. */
export function isClaim({ value }: { readonly value: Uint8Array }): boolean {
  return readFrame(value)?.stage === 'claimed'
}

/** `header (7) ‖ stage (1) ‖ bytes`. Records of the core begin with another byte. */
export function frame(stage: Stage, bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(frameBytes + bytes.length)
  framed.set(header)
  framed[header.length] = stages.indexOf(stage)
  framed.set(bytes, frameBytes)
  return framed
}

/** `null`: an ordinary record, which does not move. */
export function readFrame(value: Uint8Array): Framed | null {
  if (value[0] !== header[0] || value.length < frameBytes) return null
  if (!header.every((byte, at) => value[at] === byte)) return null
  const stage = stages[value[header.length]!]
  return stage === undefined ? null : { stage, bytes: value.subarray(frameBytes) }
}
