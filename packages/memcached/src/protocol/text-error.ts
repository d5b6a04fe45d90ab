import { StoreError } from '../errors.ts'

/** Bytes of the longest line that is looked at. Real ones have less than 100. */
export const maxLine = 1024

/**
 * The first words of something that was said to us: letters only, no word longer than 16, so that
 * an echo of our own commands (Redis quotes them) can bring neither a key nor a value into a log.
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
 * Sorts a line of text that is no answer to a command of ours, in either protocol. `answered`: the
 * node has given proper answers on this connection, so it is not set up wrongly but out of step.
 */
export function textFault(bytes: Uint8Array, answered: boolean): StoreError {
  const words = firstWords(bytes)
  const said = words === '' ? 'bytes that memcached does not use' : `"${words}"`
  if (words.startsWith('ERROR Too many open')) {
    // memcached says it before it reads anything (maxconns_fast): nothing was carried out.
    return fault('overloaded', `The node has no connection left: ${said}`, answered)
  }
  if (words.startsWith('SERVER_ERROR out of memory')) {
    return fault('overloaded', `The node has no memory left: ${said}`)
  }
  if (words.startsWith('SERVER_ERROR object too large')) {
    return fault('too-large', `The record is larger than the node takes: ${said}`)
  }
  if (words.startsWith('SERVER_ERROR')) return fault('unavailable', `The node failed: ${said}`)
  if (/^CLIENT_ERROR (unauthenticated|authentication)/.test(words)) {
    return fault('auth', `The node does not let us in: ${said}`)
  }
  if (words.startsWith('CLIENT_ERROR')) {
    return fault('protocol', `The node refused a command: ${said}`)
  }
  if (answered) return fault('protocol', `The node is out of step, it said ${said}`)
  if (words.startsWith('ERROR')) {
    return fault('config', `The node does not know the command: ${said}`)
  }
  return fault('config', `This is not memcached, or not the protocol we speak: ${said}`)
}

const lineStarts =
  'HD VA EN NF NS EX STORED EXISTS NOT_FOUND ERROR SERVER_ERROR CLIENT_ERROR'.split(' ')

/**
 * Whether this is the beginning of a line of memcached's that was cut off, so that it says nothing.
 */
export function isCutOff(rest: Uint8Array): boolean {
  const start = Buffer.from(rest.subarray(0, 200)).toString('latin1')
  if (/\n|Too many open/.test(start)) return false
  return lineStarts.some((word) => word.startsWith(start) || start.startsWith(word))
}

function fault(code: StoreError['code'], message: string, sent = true): StoreError {
  return new StoreError(code, message, { sent })
}
