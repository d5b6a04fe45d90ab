import { connect } from 'node:net'

export interface Found {
  readonly value: Buffer
  readonly cas: string
}

/** A minimal memcached client: meta commands, one promise each, one write per event-loop turn. */
export interface RawClient {
  /** Resolves with null for anything but a value. Rejects if the command must succeed and does not. */
  readonly send: (command: string, mustSucceed: boolean) => Promise<Found | null>
  readonly close: () => void
}

interface Waiting {
  readonly resolve: (found: Found | null) => void
  readonly reject: (error: Error) => void
  readonly mustSucceed: boolean
}

export function connectRaw(port: number): RawClient {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let waiting: Waiting[] = []
  let next = 0
  let out = ''
  let rest: Buffer = Buffer.alloc(0)

  const flush = () => {
    socket.write(out, 'latin1')
    out = ''
  }
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (;;) {
      const end = bytes.indexOf(10, at)
      if (end === -1) break
      const kind = bytes.toString('latin1', at, at + 2)
      let found: Found | null = null
      let after = end + 1
      if (kind === 'VA') {
        const [, size, cas] = bytes.toString('latin1', at, end - 1).split(' ')
        const length = Number(size)
        if (bytes.length < after + length + 2) break
        found = { value: bytes.subarray(after, after + length), cas: cas!.slice(1) }
        after += length + 2
      }
      at = after
      const { resolve, reject, mustSucceed } = waiting[next++]!
      if (mustSucceed && kind !== 'HD') reject(new Error(`memcached answers ${kind}`))
      else resolve(found)
    }
    rest = bytes.subarray(at)
    if (next === waiting.length) {
      waiting = []
      next = 0
    }
  })

  return {
    send: (command, mustSucceed) =>
      new Promise((resolve, reject) => {
        if (out === '') process.nextTick(flush)
        out += command
        waiting.push({ resolve, reject, mustSucceed })
      }),
    close: () => socket.destroy(),
  }
}
