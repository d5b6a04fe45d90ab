import { StoreError } from '@coatcheck/core/remote'
import type { StoreErrorCode } from '@coatcheck/core/remote'

/** The longest line that is read, in bytes. Real lines have less than 100. */
export const maxLine = 1024

/**
 * The first words of the text: letters only, up to 16 per word. This keeps keys and values out of
 * logs; Redis, for example, quotes commands in its errors.
 */
export function firstWords(bytes: Uint8Array): string {
  const line = Buffer.from(bytes.subarray(0, 200))
    .toString('latin1')
    .split(/[\r\n]/, 1)[0]!
  const words: string[] = []
  for (const word of line.split(' ', 8)) {
    if (!/^(HTTP\/1\.[01]|[-+]?[A-Za-z_]{1,16}[.,:]?)$/.test(word)) break
    words.push(word)
  }
  return words.join(' ')
}

/**
 * Refusals whose meaning does not depend on the connection's state. The first matching pattern
 * applies.
 */
const refusals: readonly [pattern: RegExp, code: StoreErrorCode, meaning: string][] = [
  [/^SERVER_ERROR out of memory/, 'overloaded', 'The server has no memory left'],
  [/^SERVER_ERROR object too large/, 'too-large', 'The record is larger than the server accepts'],
  [/^SERVER_ERROR/, 'unavailable', 'The server failed'],
  [/^CLIENT_ERROR (unauthenticated|authentication)/, 'auth', 'The server requires a valid login'],
  [/^CLIENT_ERROR/, 'protocol', 'The server refused a command'],
]

/**
 * The error for a line of text that is not an answer, in either protocol. `answered`: the
 * connection has delivered valid answers before, so the setup is right and the server is out of
 * step.
 */
export function textError(bytes: Uint8Array, answered: boolean): StoreError {
  const words = firstWords(bytes)
  const quoted = words === '' ? 'bytes that memcached does not use' : `"${words}"`
  if (words.startsWith('ERROR Too many open')) {
    // memcached sends this before it reads anything (maxconns_fast), so nothing was carried out.
    return serverError('overloaded', `The server has no connection left: ${quoted}`, answered)
  }
  for (const [pattern, code, meaning] of refusals) {
    if (pattern.test(words)) return serverError(code, `${meaning}: ${quoted}`)
  }
  if (answered) {
    return new StoreError('protocol', `The server is out of step and sent ${quoted}`, {
      sent: true,
    })
  }
  if (words.startsWith('ERROR')) {
    return serverError('config', `The server does not know the command: ${quoted}`)
  }
  return serverError('config', `The server is not memcached or speaks another protocol: ${quoted}`)
}

const lineStarts =
  'HD VA EN NF NS EX STORED EXISTS NOT_FOUND ERROR SERVER_ERROR CLIENT_ERROR'.split(' ')

/** Whether this is the start of a truncated memcached line, which carries no information. */
export function isCutOff(rest: Uint8Array): boolean {
  const start = Buffer.from(rest.subarray(0, 200)).toString('latin1')
  if (/\n|Too many open/.test(start)) return false
  return lineStarts.some((word) => word.startsWith(start) || start.startsWith(word))
}

/** An error that the server reported. */
export function serverError(code: StoreErrorCode, message: string, sent = true): StoreError {
  return new StoreError(code, message, { sent, answered: true })
}
