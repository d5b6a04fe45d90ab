import type { Bytes } from './primitives.ts'

export const encoder: TextEncoder = new TextEncoder()

/** Text for a hash: its purpose, then parts without NUL, so that no two inputs give the same text. */
export function joinText(purpose: string, ...parts: readonly string[]): string {
  let text = `coatcheck ${purpose} 1`
  for (const part of parts) text += `\0${part}`
  return text
}

export function encodeText(purpose: string, ...parts: readonly string[]): Bytes {
  return encoder.encode(joinText(purpose, ...parts))
}
