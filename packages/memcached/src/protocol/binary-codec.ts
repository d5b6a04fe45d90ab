// A project that imports this source includes no declaration of its own.
// oxlint-disable-next-line typescript/triple-slash-reference
/// <reference path="./memjs-header.d.ts" />
import { toBuffer } from 'memjs/lib/memjs/header.js'
import { protocolError } from '@coatcheck/core/remote'
import type { StoreError } from '@coatcheck/core/remote'
import type { Codec, Command, Reply } from '../link/command.ts'
import { isCutOff, maxLine, serverError, textError } from './text-error.ts'

/** The opcodes that are used. `set` is absent on purpose (memjs defect 18). */
export const opcodes = {
  get: 0x00,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  noop: 0x0a,
  stat: 0x10,
  getAndTouch: 0x1d,
  login: 0x21,
} as const

const headerLength = 24

const headers = new Map<number, Uint8Array>()

/**
 * The header of a command without lengths, opaque and cas. memjs takes 450 ns to write it, so it is
 * cached per opcode; filling in the rest takes 30 ns.
 */
function headerOf(opcode: number): Uint8Array {
  let header = headers.get(opcode)
  if (header === undefined) {
    const lengths = { keyLength: 0, extrasLength: 0, totalBodyLength: 0 }
    header = toBuffer({ magic: 0x80, opcode, ...lengths })
    headers.set(opcode, header)
  }
  return header
}

/** One answer of the binary protocol, as positions in the bytes of the connection. */
export interface BinaryReply extends Reply {
  readonly bytes: Buffer
  /** Where its header begins. The cas is 16 bytes after it. */
  readonly start: number
  readonly opcode: number
  readonly status: number
  /** Where its value begins. It extends to `end`. */
  readonly value: number
}

/** The fields of a command's frame. */
export interface BinaryParts {
  readonly opcode: number
  readonly key?: string | undefined
  /** Flags and expiry, or only the expiry. */
  readonly extras?: readonly number[] | undefined
  readonly value?: Uint8Array | undefined
  readonly cas?: Uint8Array | undefined
}

const noExtras: readonly number[] = []

/** A command of the binary protocol: one frame. */
export class BinaryCommand<result> implements Command<BinaryReply, result> {
  readonly size: number
  readonly tail = 0
  readonly #parts: BinaryParts
  readonly #result: (frame: BinaryReply) => result

  constructor(parts: BinaryParts, result: (frame: BinaryReply) => result) {
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

  read(frame: BinaryReply): result {
    if (frame.opcode === this.#parts.opcode) return this.#result(frame)
    throw protocolError('with another opcode')
  }
}

/**
 * Separates frames. `maxBody` is the longest body that is accepted, in bytes. An impossible length
 * ends the connection at once; memjs waits for the missing bytes forever (defect 2).
 */
export function binaryCodec(maxBody: number): Codec<BinaryReply> {
  return {
    parse(bytes, start, _command, answered) {
      if (bytes[start] !== 0x81) return parseText(bytes, start, answered)
      if (bytes.length - start < headerLength) return undefined
      const bodyLength = bytes.readUInt32BE(start + 8)
      const before = bytes.readUInt16BE(start + 2) + bytes[start + 4]!
      if (bodyLength > maxBody) throw protocolError('longer than maxValueBytes')
      if (bodyLength < before) throw protocolError('of impossible lengths')
      const end = start + headerLength + bodyLength
      if (bytes.length < end) return undefined
      // A length that is too short shows only here: no frame begins where this one ends.
      if (bytes.length > end && bytes[end] !== 0x81) throw protocolError('of another length')
      const opcode = bytes[start + 1]!
      const status = bytes.readUInt16BE(start + 6)
      const opaque = bytes.readUInt32BE(start + 12)
      return { bytes, start, opcode, status, value: start + headerLength + before, end, opaque }
    },
    errorAtEnd: (rest, answered) =>
      rest[0] === 0x81 || isCutOff(rest) ? undefined : textError(rest, answered),
  }
}

/** Text ends the connection. It is read to the end of its line, which contains the reason. */
function parseText(bytes: Buffer, start: number, answered: boolean): undefined {
  const text = bytes.subarray(start)
  if (text.length < maxLine && !text.includes(0x0a)) return undefined
  throw textError(text, answered)
}

/** The error for a status that is not an outcome of the command. */
export function statusError({ status }: BinaryReply): StoreError {
  const hex = `status 0x${status.toString(16)}`
  switch (status) {
    case 0x03:
      return serverError('too-large', `The record is larger than the server accepts (${hex})`)
    case 0x08:
    case 0x20:
    case 0x21:
      return serverError('auth', `The server requires a valid login (${hex})`)
    case 0x81:
    case 0x83:
      return serverError('config', `The server does not know the command (${hex})`)
    case 0x82:
    case 0x85:
    case 0x86:
      return serverError('overloaded', `The server is busy or has no memory left (${hex})`)
    case 0x84:
      return serverError('unavailable', `The server failed (${hex})`)
    default:
      return protocolError(`that does not fit the command (${hex})`)
  }
}
