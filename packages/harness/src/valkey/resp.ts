import { connect } from 'node:net'

export type Reply = string | number | null | readonly Reply[]

/** Sends one command on its own connection. Rejects with the server's error. */
export function askServer(port: number, args: readonly string[], timeout = 5000): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  const words = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`)
  let text = ''
  const socket = connect({ port, host: '127.0.0.1' }, () => {
    socket.write(`*${args.length}\r\n${words.join('')}`)
  })
  socket.setEncoding('latin1')
  socket.setTimeout(timeout, () => socket.destroy(new Error('the server does not answer')))
  socket.on('data', (chunk) => {
    text += String(chunk)
    const read = parse(text, 0)
    if (read === null) return
    if (read.value instanceof Error) reject(read.value)
    else resolve(read.value)
    socket.destroy()
  })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the server closed the connection')))
  return promise
}

interface Read {
  readonly value: Reply | Error
  readonly end: number
}

/** `null`: the rest has not arrived. */
function parse(text: string, from: number): Read | null {
  const lineEnd = text.indexOf('\r\n', from)
  if (lineEnd < 0) return null
  const line = text.slice(from + 1, lineEnd)
  const end = lineEnd + 2
  switch (text[from]) {
    case '+':
      return { value: line, end }
    case '-':
      return { value: new Error(line), end }
    case ':':
      return { value: Number(line), end }
    case '$': {
      const length = Number(line)
      if (length < 0) return { value: null, end }
      if (text.length < end + length + 2) return null
      return { value: text.slice(end, end + length), end: end + length + 2 }
    }
    default:
      return parseList(text, Number(line), end)
  }
}

function parseList(text: string, length: number, from: number): Read | null {
  const values: Reply[] = []
  let end = from
  for (let at = 0; at < length; at++) {
    const read = parse(text, end)
    if (read === null) return null
    if (read.value instanceof Error) return read
    values.push(read.value)
    ;({ end } = read)
  }
  return { value: values, end }
}
