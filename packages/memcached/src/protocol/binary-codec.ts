import { Header } from 'memjs'
import { StoreError } from '../errors.ts'
import type { Codec, Command, Reply } from '../link/codec.ts'
import { isCutOff, maxLine, textFault } from './text-error.ts'

/** Of the binary protocol: what we use of it. `set` is missing on purpose (memjs defect 18). */
export const opcodes = {
  get: 0x00,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  noop: 0x0a,
  getAndTouch: 0x1d,
  login: 0x21,
} as const

const headerLength = 24

const headers = new Map<number, Uint8Array>()

/**
 * The header of a command without lengths, opaque and cas. memjs writes it, once for each opcode:
 * it takes 450 ns, filling in the rest 30.
 */
function headerOf(opcode: number): Uint8Array {
  let header = headers.get(opcode)
  if (header === undefined) {
    const lengths = { keyLength: 0, extrasLength: 0, totalBodyLength: 0 }
    header = Header.toBuffer({ magic: 0x80, opcode, ...lengths })
    headers.set(opcode, header)
  }
  return header
}

/** One answer of the binary protocol, by places in the bytes of the connection. */
export interface Frame extends Reply {
  readonly bytes: Buffer
  /** Where its header begins; the cas is 16 bytes further on. */
  readonly start: number
  readonly opcode: number
  readonly status: number
  /** Where its value begins; it goes on to `end`. */
  readonly value: number
}

/** What a command puts into its frame. */
export interface FrameParts {
  readonly opcode: number
  readonly key?: string | undefined
  /** Flags and expiry, or the expiry alone. */
  readonly extras?: readonly number[] | undefined
  readonly value?: Uint8Array | undefined
  readonly cas?: Uint8Array | undefined
}

const noExtras: readonly number[] = []

/** A command as a frame of the binary protocol. */
export class FrameCommand<result> implements Command<Frame, result> {
  readonly size: number
  readonly tail = 0
  readonly #parts: FrameParts
  readonly #result: (frame: Frame) => result

  constructor(parts: FrameParts, result: (frame: Frame) => result) {
    const { key = '', extras = noExtras, value } = parts
    this.size = headerLength + 4 * extras.length + key.length + (value?.length ?? 0)
    this.#parts = parts
    this.#result = result
  }

  write(out: Buffer, start: number, opaque: number): number {
    const { opcode, key = '', extras = noExtras, value, cas } = this.#parts
    out.set(headerOf(opcode), start)
    out.writeUInt16BE(key.length, start + 2)
    out[start + 4] = 4 * extras.length
    out.writeUInt32BE(this.size - headerLength, start + 8)
    out.writeUInt32BE(opaque, start + 12)
    if (cas !== undefined) out.set(cas, start + 16)
    let at = start + headerLength
    for (const number of extras) at = out.writeUInt32BE(number, at)
    at += out.write(key, at, 'latin1')
    if (value !== undefined) out.set(value, at)
    return start + this.size
  }

  read(frame: Frame): result {
    if (frame.opcode === this.#parts.opcode) return this.#result(frame)
    throw notAnAnswer('with another opcode')
  }
}

/**
 * Tells frames apart; `maxBody`: bytes of the longest body that is believed. A length that cannot
 * be ends the connection at once: memjs waits for the rest for ever (defect 2).
 */
export function frameCodec(maxBody: number): Codec<Frame> {
  return {
    parse(bytes, start, _command, answered) {
      if (bytes[start] !== 0x81) return parseText(bytes, start, answered)
      if (bytes.length - start < headerLength) return undefined
      const bodyLength = bytes.readUInt32BE(start + 8)
      const before = bytes.readUInt16BE(start + 2) + bytes[start + 4]!
      if (bodyLength > maxBody) throw notAnAnswer('longer than maxValueBytes')
      if (bodyLength < before) throw notAnAnswer('of impossible lengths')
      const end = start + headerLength + bodyLength
      if (bytes.length < end) return undefined
      // A length that is too short shows only behind the frame: no other can begin there.
      if (bytes.length > end && bytes[end] !== 0x81) throw notAnAnswer('of another length')
      const opcode = bytes[start + 1]!
      const status = bytes.readUInt16BE(start + 6)
      const opaque = bytes.readUInt32BE(start + 12)
      return { bytes, start, opcode, status, value: start + headerLength + before, end, opaque }
    },
    judge: (rest, answered) =>
      rest[0] === 0x81 || isCutOff(rest) ? undefined : textFault(rest, answered),
  }
}

/** No frame: the connection is lost, only the reason is waited for, up to the end of its line. */
function parseText(bytes: Buffer, start: number, answered: boolean): undefined {
  const text = bytes.subarray(start)
  if (text.length < maxLine && !text.includes(0x0a)) return undefined
  throw textFault(text, answered)
}

/** What a status means where it is not an outcome of the command. */
export function statusFault({ status }: Frame): StoreError {
  const hex = `status 0x${status.toString(16)}`
  switch (status) {
    case 0x03:
      return fault('too-large', `The record is larger than the node takes (${hex})`)
    case 0x08:
    case 0x20:
    case 0x21:
      return fault('auth', `The node does not let us in (${hex})`)
    case 0x81:
    case 0x83:
      return fault('config', `The node does not know the command (${hex})`)
    case 0x82:
    case 0x85:
    case 0x86:
      return fault('overloaded', `The node is busy or has no memory left (${hex})`)
    case 0x84:
      return fault('unavailable', `The node failed (${hex})`)
    default:
      return fault('protocol', `The node gave an answer that the command cannot have (${hex})`)
  }
}

function notAnAnswer(what: string): StoreError {
  return fault('protocol', `The node gave an answer ${what}`)
}

function fault(code: StoreError['code'], message: string): StoreError {
  return new StoreError(code, message, { sent: true })
}
