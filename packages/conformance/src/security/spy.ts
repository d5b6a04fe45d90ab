/** How long a piece of a secret must be to count as leaked. */
const window = 12

/** Issued secrets, and a search for parts of them in later output. */
export interface Leaks {
  /** Records a secret. One with fewer than twelve characters could be found by chance. */
  readonly keep: (...secrets: readonly string[]) => void
  /** The parts of secrets that occur in a text. */
  readonly findIn: (text: string) => readonly string[]
  readonly size: () => number
}

export function watchLeaks(): Leaks {
  const pieces = new Set<string>()
  return {
    keep(...secrets) {
      for (const secret of secrets) {
        for (let at = 0; at + window <= secret.length; at++)
          pieces.add(secret.slice(at, at + window))
      }
    },
    findIn(text) {
      const found = new Set<string>()
      for (let at = 0; at + window <= text.length; at++) {
        const piece = text.slice(at, at + window)
        if (pieces.has(piece)) found.add(piece)
      }
      return [...found]
    },
    size: () => pieces.size,
  }
}

/** Unique text. */
export function marker(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString('base64url')
}
