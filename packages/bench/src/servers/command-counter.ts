/**
 * Counts the commands that a client sends over one connection: memcached's binary protocol, its text protocol with the
 * meta commands, or Redis'. The first byte identifies the protocol.
 */
export class CommandCounter {
  count = 0
  #rest: Buffer = Buffer.alloc(0)

  take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (;;) {
      const length = commandLength(bytes.subarray(at))
      if (length === null || at + length > bytes.length) break
      this.count++
      at += length
    }
    this.#rest = bytes.subarray(at)
  }
}

const crlf = '\r\n'
const binaryHead = 24

/** The length of the first command; null if more bytes are needed. */
function commandLength(bytes: Buffer): number | null {
  if (bytes.length === 0) return null
  if (bytes[0] === 0x80)
    return bytes.length < binaryHead ? null : binaryHead + bytes.readUInt32BE(8)
  const end = bytes.indexOf(crlf)
  if (end === -1) return null
  const line = bytes.toString('latin1', 0, end)
  return line.startsWith('*')
    ? redisLength(bytes, end + 2, Number(line.slice(1)))
    : end + 2 + valueLength(line.split(' '))
}

function redisLength(bytes: Buffer, from: number, parts: number): number | null {
  let at = from
  for (let part = 0; part < parts; part++) {
    const end = bytes.indexOf(crlf, at)
    if (end === -1) return null
    at = end + 2 + Number(bytes.toString('latin1', at + 1, end)) + 2
  }
  return at
}

const storing: ReadonlySet<string> = new Set(['set', 'add', 'replace', 'append', 'prepend', 'cas'])

/** The length of the value after the line, for storage commands. */
function valueLength([command = '', ...words]: readonly string[]): number {
  if (command === 'ms') return Number(words[1]) + 2
  return storing.has(command) ? Number(words[3]) + 2 : 0
}
