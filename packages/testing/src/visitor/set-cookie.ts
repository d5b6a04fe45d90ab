export interface SetCookie {
  readonly name: string
  readonly value: string
  /** By lowercase name. An attribute without a value, such as `Secure`, is the empty string. */
  readonly attributes: ReadonlyMap<string, string>
}

/** Parses one `Set-Cookie` line. */
export function parseSetCookie(line: string): SetCookie {
  const [[name, value], ...attributes] = line.split(';').map(parsePair) as [Pair, ...Pair[]]
  return {
    name,
    value,
    attributes: new Map(attributes.map(([key, text]) => [key.toLowerCase(), text])),
  }
}

export type Pair = readonly [name: string, value: string]

/** Splits at the first `=`. */
export function parsePair(text: string): Pair {
  const equals = text.indexOf('=')
  if (equals < 0) return [text.trim(), '']
  return [text.slice(0, equals).trim(), text.slice(equals + 1).trim()]
}
