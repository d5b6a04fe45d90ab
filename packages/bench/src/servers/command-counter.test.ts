import { describe, expect, it } from 'vitest'
import { CommandCounter } from './command-counter.ts'

function binary(opcode: number, body: string): Buffer {
  const head = Buffer.alloc(24)
  head[0] = 0x80
  head[1] = opcode
  head.writeUInt32BE(body.length, 8)
  return Buffer.concat([head, Buffer.from(body, 'latin1')])
}

const streams = {
  'binary protocol': [binary(0x1d, 'key\x80\r\n'), binary(0x0a, ''), binary(1, 'x'.repeat(300))],
  'text protocol': [
    'get one\r\n',
    'set two 0 60 5\r\nget \r\r\n',
    'cas three 0 60 2 17\r\n\r\n\r\n',
    'delete two\r\n',
  ],
  'meta commands': ['mg one v c T60\r\n', 'ms two 4 T60 MR C1\r\nmg x\r\n', 'md one\r\n', 'mn\r\n'],
  redis: [
    '*2\r\n$3\r\nGET\r\n$3\r\none\r\n',
    '*3\r\n$3\r\nSET\r\n$3\r\ntwo\r\n$7\r\n*1\r\n$1\r\r\n',
  ],
}

describe('CommandCounter', () => {
  it.each(Object.entries(streams))('%s: counts every command once, however it is cut', (_, all) => {
    const bytes = Buffer.concat(all.map((command) => Buffer.from(command)))
    for (const size of [1, 2, 7, 30, bytes.length]) {
      const counter = new CommandCounter()
      for (let at = 0; at < bytes.length; at += size) counter.take(bytes.subarray(at, at + size))
      expect(counter.count, `cut every ${size} bytes`).toBe(all.length)
    }
  })

  it('does not count a command before it is whole', () => {
    const counter = new CommandCounter()
    counter.take(Buffer.from('ms two 4 T60\r\nabc'))
    expect(counter.count).toBe(0)
    counter.take(Buffer.from('d\r\nmn\r\n'))
    expect(counter.count).toBe(2)
  })
})
