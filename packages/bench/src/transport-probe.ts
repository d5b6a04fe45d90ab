import { connect } from 'node:net'
import { size, text } from './transport-contestant.ts'
import type { Contestant, Operation } from './transport-contestant.ts'

/**
 * Measures what a socket can carry: meta commands whose answers are only counted, by their length. It checks nothing,
 * has no timeouts, and would not notice a wrong answer.
 *
 * `promises`: a promise for each command, the value passed on, and one write per event-loop turn, the minimum for any
 * client. `bare`: no promises and no values; sends as many commands as answers have arrived.
 */
export async function startProbe(
  port: number,
  keyOf: (index: number) => string,
  kind: 'promises' | 'bare',
): Promise<Contestant> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await new Promise((resolve) => socket.once('connect', resolve))
  const commands: Record<Operation, (index: number) => string> = {
    read: (index) => `mg ${keyOf(index)} v c T3600 O1\r\n`,
    write: (index) => `ms ${keyOf(index)} ${size} T3600 MR O1\r\n${text}\r\n`,
  }

  /** Splits answers, which all have the length of the first one. */
  const receive = (answered: (chunk: Buffer, start: number, end: number) => void) => {
    let length = 0
    let rest: Buffer = Buffer.alloc(0)
    return (chunk: Buffer) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let at = 0
      for (;;) {
        if (length === 0) length = lengthOf(bytes)
        if (length === 0 || bytes.length - at < length) break
        answered(bytes, at, at + length)
        at += length
      }
      rest = bytes.subarray(at)
    }
  }

  const withPromises = async (operation: Operation, total: number, inFlight: number) => {
    const waiting: ((value: Buffer) => void)[] = []
    let first = 0
    let out = ''
    const flush = () => {
      socket.write(out, 'latin1')
      out = ''
    }
    const submit = (command: string): Promise<Buffer> => {
      if (out === '') setImmediate(flush)
      out += command
      return new Promise((resolve) => void waiting.push(resolve))
    }
    const onData = receive((bytes, start, end) => {
      const value = Buffer.allocUnsafe(end - start)
      bytes.copy(value, 0, start, end)
      waiting[first++]!(value)
    })
    socket.on('data', onData)
    const command = commands[operation]
    let next = 0
    const loop = async () => {
      while (next < total) await submit(command(next++))
    }
    await Promise.all(Array.from({ length: inFlight }, loop))
    socket.off('data', onData)
  }

  const bare = (operation: Operation, total: number, inFlight: number) =>
    new Promise<void>((resolve) => {
      const command = commands[operation]
      let next = 0
      let done = 0
      let came = 0
      const send = (count: number) => {
        let out = ''
        for (let at = 0; at < count && next < total; at++) out += command(next++)
        if (out !== '') socket.write(out, 'latin1')
      }
      const cut = receive(() => void came++)
      const onData = (chunk: Buffer) => {
        came = 0
        cut(chunk)
        done += came
        if (done < total) return send(came)
        socket.off('data', onData)
        resolve()
      }
      socket.on('data', onData)
      send(inFlight)
    })

  return {
    run: kind === 'promises' ? withPromises : bare,
    async prepare() {},
    close: () => socket.destroy(),
  }
}

/** 0: not known yet. */
function lengthOf(bytes: Buffer): number {
  const line = bytes.indexOf('\r\n') + 2
  if (line === 1) return 0
  return bytes.toString('latin1', 0, 2) === 'VA' ? line + size + 2 : line
}
