/** The text in UTF-8. */
export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** `length` bytes of different values. */
export const bytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 7) % 256)

let keys = 0

/** A key that no other test of the file uses. */
export const freshKey = (): string => `key:${++keys}`
