import type { Bytes } from './crypto.ts'

/** Text for a hash: its purpose, then parts without NUL, so that no two inputs give the same text. */
export function encodeText(purpose: string, ...parts: readonly string[]): Bytes {
  return new TextEncoder().encode([`coatcheck ${purpose} 1`, ...parts].join('\0'))
}
