import { connect } from 'node:net'

/** As long as a binary header, so that a memcached with only the binary protocol answers immediately. */
export const askStats = `${'stats'.padEnd(24)}\r\n`

/** Whether the answer is complete. */
export type Complete = (answer: Buffer) => boolean

const endsWith = (text: string): Complete => {
  const end = Buffer.from(text)
  return (answer) => answer.subarray(-end.length).equals(end)
}
export const endOfLine = endsWith('\r\n')
export const endOfList = endsWith('END\r\n')
export const endOfDump: Complete = (answer) =>
  endOfList(answer) || (endOfLine(answer) && answer.toString('latin1', 0, 4) === 'BUSY')
export const endOfValue: Complete = (answer) => {
  const head = /^VALUE \S+ \d+ (\d+)\r\n/.exec(answer.toString('latin1', 0, 300))
  if (head === null) return endOfLine(answer)
  return answer.length >= head[0].length + Number(head[1]) + '\r\nEND\r\n'.length
}

/** Sends one command of the text protocol on a new connection. Resolves with the answer. */
export function sendText(
  port: number,
  command: string | Buffer,
  complete: Complete,
  milliseconds = 5000,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(command))
  socket.setTimeout(milliseconds, () => socket.destroy(new Error('memcached does not answer')))
  socket.on('data', (chunk) => {
    chunks.push(chunk)
    const answer = Buffer.concat(chunks)
    if (/^(ERROR|CLIENT_ERROR|SERVER_ERROR)/.test(answer.toString('latin1', 0, 20))) {
      reject(new Error(`memcached: ${String(answer).trim()}`))
    } else if (complete(answer)) resolve(answer)
    else return
    socket.destroy()
  })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('memcached closed the connection')))
  return promise
}

export function expectAnswer(answer: Buffer, pattern: RegExp): RegExpExecArray {
  const match = pattern.exec(answer.toString('latin1', 0, 400))
  if (match === null) throw new Error(`memcached answered: ${answer.toString('latin1', 0, 100)}`)
  return match
}

export function parseStats(answer: Buffer): Record<string, string> {
  const lines = String(answer).matchAll(/^STAT (\S+) (.*)\r$/gm)
  return Object.fromEntries([...lines].map((line) => [line[1]!, line[2]!]))
}
