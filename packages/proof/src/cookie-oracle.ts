import { parseCookie } from 'cookie'

/**
 * The values of one name in a `Cookie` header, by a slow and literal reading of RFC 6265bis sections 4.2.1 and 5.6.3:
 * nothing is decoded, and only space and tab are stripped. It shares neither code nor method with the core.
 */
export function valuesOf(header: string, name: string): string[] {
  return header
    .split(';')
    .map((piece) => piece.split('='))
    .filter((parts) => parts.length > 1 && stripped(parts[0] as string) === name)
    .map(([, ...parts]) => stripped(parts.join('=')))
}

/**
 * The same by the `cookie` library, without decoding values. Of several cookies with the same name it returns the
 * first, so it is also given each pair separately.
 */
export function valuesByLibrary(header: string, name: string): string[] {
  const valueIn = (text: string): string | undefined => parseCookie(text, raw)[name]
  const values = header.split(';').flatMap((pair) => valueIn(pair) ?? [])
  if (values[0] === valueIn(header)) return values
  throw new Error('the library reads a header differently from its pairs')
}

const raw = { decode: (value: string): string => value }

/** Strips space and tab at both ends. */
function stripped(text: string): string {
  const kept = [...text.matchAll(/[^ \t]+/g)]
  const first = kept[0]
  const last = kept.at(-1)
  if (first === undefined || last === undefined) return ''
  return text.slice(first.index, last.index + last[0].length)
}

/** The only token in a header; `null` if there is none, or several different values of that name. */
export function tokenOf(header: string, name: string): string | null {
  const [value, second] = new Set(valuesOf(header, name))
  return value !== undefined && second === undefined && isCanonical(value) ? value : null
}

/** Whether the value is canonical base64url of 32 bytes, tested by decoding and re-encoding it. */
function isCanonical(value: string): boolean {
  if (value.length !== 43) return false
  const bytes = Buffer.from(value, 'base64url')
  return bytes.length === 32 && bytes.toString('base64url') === value
}
