import type { Socket } from 'node:net'

/** One command, as a fake server receives it. */
export interface Asked {
  readonly opcode: number
  readonly opaque: number
  readonly key: string
}

/** Parses commands of the binary protocol. Those that arrive in one chunk are passed together. */
export function commands(socket: Socket, take: (asked: readonly Asked[]) => void): void {
  let bytes = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    const asked: Asked[] = []
    while (bytes.length >= 24 && bytes.length >= 24 + bytes.readUInt32BE(8)) {
      const start = 24 + bytes[4]!
      const key = bytes.toString('latin1', start, start + bytes.readUInt16BE(2))
      asked.push({ opcode: bytes[1]!, opaque: bytes.readUInt32BE(12), key })
      bytes = bytes.subarray(24 + bytes.readUInt32BE(8))
    }
    if (asked.length > 0) take(asked)
  })
}

/** An answer: a hit with flags and a cas, or another status without a body. */
export function answer({ opcode, opaque }: Asked, value?: Buffer, status = 0): Buffer {
  const extras = value === undefined ? 0 : 4
  const frame = Buffer.alloc(24 + extras + (value?.length ?? 0))
  frame[0] = 0x81
  frame[1] = opcode
  frame[4] = extras
  frame.writeUInt16BE(status, 6)
  frame.writeUInt32BE(frame.length - 24, 8)
  frame.writeUInt32BE(opaque, 12)
  frame[23] = 1
  value?.copy(frame, 28)
  return frame
}
