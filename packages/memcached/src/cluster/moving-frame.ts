/**
 * What a value says of a record that moves from its second server to its first.
 *
 * - `claimed`, at the first: no record. One process is about to move the one of the second.
 * - `frozen`, at the second: the record. It is not saved there any more, only moved.
 * - `copied`, at the first: the record. The second may still have a copy of it.
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

/** Whether it holds no record. */
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

/** `null`: a record as it was given, that does not move. */
export function readFrame(value: Uint8Array): Framed | null {
  if (value[0] !== header[0] || value.length < frameBytes) return null
  if (!header.every((byte, at) => value[at] === byte)) return null
  const stage = stages[value[header.length]!]
  return stage === undefined ? null : { stage, bytes: value.subarray(frameBytes) }
}
