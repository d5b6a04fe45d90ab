import type { Socket } from 'node:net'
import { startFakeServer } from './fake-server.ts'
import type { FakeServer } from './fake-server.ts'

/** What a scripted server does with one line of text, or with a frame of the binary protocol. */
export interface Script {
  /** `value`: what follows a `set`, `cas` or `ms`. Default: the line is not answered. */
  text?(line: string, socket: Socket, value: string): void
  /** Default: the frame is not answered. */
  binary?(frame: Buffer, socket: Socket): void
}

/** A server that behaves as versions and products do that are not installed here. */
export function startScripted(script: Script): Promise<FakeServer> {
  return startFakeServer((socket) => {
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (let length = oneLength(rest); length > 0; length = oneLength(rest)) {
        const one = rest.subarray(0, length)
        rest = rest.subarray(length)
        if (one[0] === 0x80) script.binary?.(one, socket)
        else {
          const [line = '', value = ''] = String(one).split('\r\n')
          script.text?.(line, socket, value)
        }
      }
    })
  })
}

/** Bytes of the first command, with its value; 0 while it is incomplete. */
function oneLength(bytes: Buffer): number {
  if (bytes[0] === 0x80) {
    const length = bytes.length < 24 ? Infinity : 24 + bytes.readUInt32BE(8)
    return bytes.length < length ? 0 : length
  }
  const end = bytes.indexOf('\r\n') + 2
  if (end < 2) return 0
  const line = bytes.toString('latin1', 0, end)
  const [, size] = /^(?:ms \S+|(?:set|cas) \S+ \d+ -?\d+) (\d+)/.exec(line) ?? []
  const length = size === undefined ? end : end + Number(size) + 2
  return bytes.length < length ? 0 : length
}

/** The number of a meta command, as its answer repeats it. */
export function numberOf(line: string): string {
  return / (O\d+)/.exec(line)?.[1] ?? ''
}

/** A frame that answers another, with a status. */
export function binaryAnswer(frame: Buffer, status = 0): Buffer {
  const out = Buffer.alloc(24)
  out[0] = 0x81
  out[1] = frame[1]!
  out.writeUInt16BE(status, 6)
  frame.copy(out, 12, 12, 16)
  return out
}
