import type { Fault, ProxiedPath } from './fake-server.ts'

/** Changes the bytes of an answer. */
export type Change = (answer: Buffer) => Buffer

/** No bytes are forwarded in either direction. */
export const frozen: Fault = { request() {}, answer() {} }

/** The server receives the commands, but its answers are lost. */
export const unanswered: Fault = { answer() {} }

/** Answers are delayed. */
export function latency(milliseconds: number): Fault {
  return {
    answer(bytes, { client }) {
      setTimeout(() => void (client.writable && client.write(bytes)), milliseconds).unref()
    },
  }
}

/** Answers arrive slowly: `size` bytes every millisecond. */
export function trickle(size: number): Fault {
  const queues = new WeakMap<ProxiedPath, Buffer[]>()
  return {
    answer(bytes, path) {
      const queue = queues.get(path)
      if (queue) return void queue.push(bytes)
      const waiting = [bytes]
      queues.set(path, waiting)
      const timer = setInterval(() => {
        const first = waiting[0]
        if (first === undefined || !path.client.writable) {
          queues.delete(path)
          return clearInterval(timer)
        }
        path.client.write(first.subarray(0, size))
        waiting[0] = first.subarray(size)
        if (waiting[0].length === 0) waiting.shift()
      }, 1).unref()
    },
  }
}

/** The connection is reset after `offset` bytes of answers. */
export function resetAfter(offset: number): Fault {
  return {
    answer(bytes, { client, answered }) {
      const left = offset - answered
      if (bytes.length < left) return void client.write(bytes)
      if (left > 0) client.write(bytes.subarray(0, left), () => client.resetAndDestroy())
      else client.resetAndDestroy()
    },
  }
}

/** The connection is closed cleanly after `offset` bytes of answers. */
export function endAfter(offset: number): Fault {
  return {
    answer(bytes, { client, answered }) {
      const left = offset - answered
      if (bytes.length < left) return void client.write(bytes)
      if (!client.writableEnded) client.end(bytes.subarray(0, Math.max(0, left)))
    },
  }
}

/** Answers that arrive together lose their last `missing` bytes, and the connection ends. */
export function withoutLast(missing: number, how: 'end' | 'reset'): Fault {
  return {
    answer(bytes, { client }) {
      if (client.writableEnded || client.destroyed) return
      const part = bytes.subarray(0, Math.max(0, bytes.length - missing))
      if (how === 'end') client.end(part)
      else client.write(part, () => client.resetAndDestroy())
    },
  }
}

/** Open connections are reset as soon as the fault begins. */
export const resetNow: Fault = {
  begin: ({ client }) => void client.resetAndDestroy(),
}

/** Open connections are closed cleanly as soon as the fault begins. */
export const endNow: Fault = {
  begin: ({ client }) => void client.end(),
}

/** The server sends `text` instead of an answer and closes the connection. */
export function says(text: string): Fault {
  return {
    request() {},
    begin: ({ client }) => void client.end(text),
  }
}

/** The answer is changed on its way. */
export function altered(change: Change): Fault {
  return { answer: (bytes, { client }) => void (client.writable && client.write(change(bytes))) }
}

/** Only the first `offset` bytes of a request are forwarded; then the connection is reset. */
export function cutRequest(offset: number): Fault {
  return {
    request(bytes, { client, memcached }) {
      memcached.write(bytes.subarray(0, offset))
      client.resetAndDestroy()
    },
  }
}

/** Only the first `offset` bytes of a request are forwarded; then nothing else happens. */
export function stalledRequest(offset: number): Fault {
  const seen = new WeakSet<ProxiedPath>()
  return {
    request(bytes, path) {
      if (!seen.has(path)) path.memcached.write(bytes.subarray(0, offset))
      seen.add(path)
    },
  }
}

export const twice: Change = (answer) => Buffer.concat([answer, answer])

type ChangeName =
  'otherOpaque' | 'otherOpcode' | 'longer' | 'shorter' | 'endless' | 'impossible' | 'garbage'

/** For each protocol: an answer to another command, and false lengths. */
export const changes: Record<'binary' | 'meta', Record<ChangeName, Change>> = {
  binary: {
    otherOpaque: edit((frame) => frame.writeUInt32BE((frame.readUInt32BE(12) ^ 0x5a) >>> 0, 12)),
    otherOpcode: edit((frame) => frame.writeUInt8(0x0b, 1)),
    longer: edit((frame) => frame.writeUInt32BE(frame.readUInt32BE(8) + 7, 8)),
    shorter: edit((frame) => frame.writeUInt32BE(Math.max(0, frame.readUInt32BE(8) - 7), 8)),
    endless: edit((frame) => frame.writeUInt32BE(0xffffffff, 8)),
    impossible: edit((frame) => frame.writeUInt16BE(0xffff, 2)),
    garbage: edit((frame) => frame.fill(0x81)),
  },
  meta: {
    otherOpaque: replaced(/O(\d+)/, (_, digits) => `O${(Number(digits) ^ 0x5a) >>> 0}`),
    otherOpcode: replaced(/^(HD|VA|EN|STORED)/, () => 'MN'),
    longer: replaced(/^VA (\d+)/, (_, size) => `VA ${Number(size) + 7}`),
    shorter: replaced(/^VA (\d+)/, (_, size) => `VA ${Number(size) - 7}`),
    endless: replaced(/^VA (\d+)/, () => 'VA 4294967295'),
    impossible: replaced(/^VA (\d+)/, () => 'VA -1'),
    garbage: edit((answer) => answer.fill(0x81)),
  },
}

function edit(change: (answer: Buffer) => unknown): Change {
  return (answer) => {
    const copy = Buffer.from(answer)
    change(copy)
    return copy
  }
}

function replaced(pattern: RegExp, by: (match: string, group: string) => string): Change {
  return (answer) => Buffer.from(answer.toString('latin1').replace(pattern, by), 'latin1')
}
