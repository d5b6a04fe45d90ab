import type { Bytes } from './primitives.ts'

export const encoder: TextEncoder = new TextEncoder()

/** The input of a hash: its purpose, then parts that contain no NUL, so that different inputs give different texts. */
export function joinText(purpose: string, ...parts: readonly string[]): string {
  let text = `coatcheck ${purpose} 1`
  for (const part of parts) text += `\0${part}`
  return text
}

export function encodeText(purpose: string, ...parts: readonly string[]): Bytes {
  return encoder.encode(joinText(purpose, ...parts))
}
