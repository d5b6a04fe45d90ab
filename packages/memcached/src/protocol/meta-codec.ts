import { protocolError, StoreError } from '@coatcheck/core/remote'
import type { Codec, Command, Reply } from '../link/command.ts'
import type { Cas } from './client.ts'
import { isCutOff, maxLine, textError } from './text-error.ts'

/** The return code of an answer (memcached's doc/protocol.txt, "Meta Commands"). */
export type MetaStatus = 'HD' | 'VA' | 'EN' | 'NF' | 'NS' | 'EX' | 'MN'

/** The answer of a classic command: a word without a command number. */
export type ClassicStatus = 'STORED' | 'EXISTS' | 'NOT_FOUND'

/** One answer of the meta protocol, as positions in the bytes of the connection. */
export interface MetaReply extends Reply {
  readonly bytes: Buffer
  readonly status: MetaStatus | ClassicStatus | undefined
  /** Set instead of a status: why the server refused the command. */
  readonly error: StoreError | undefined
  /** All zero if there is none. */
  readonly cas: Cas
  /** The position of the value; both are 0 if there is none. */
  readonly valueStart: number
  readonly valueEnd: number
}

/** A no-op, which has no number: its answer is the line `MN`. */
export const noop = 'mn'

/**
 * A command of the meta protocol. `line` is its line without the number and the line break.
 *
 * With `guard`, it is a pair of commands: `line` is a classic command, whose answer has no number, and `guard` is a
 * following meta command, whose answer has one, or `noop`. The pair has one result: the answer of the classic command,
 * confirmed by that of the guard.
 */
export class MetaCommand<result> implements Command<MetaReply, result> {
  readonly size: number
  tail = 0
  readonly guard: string | undefined
  readonly #line: string
  readonly #value: Uint8Array | undefined
  readonly #result: (reply: MetaReply) => result

  constructor(
    line: string,
    value: Uint8Array | undefined,
    guard: string | undefined,
    result: (reply: MetaReply) => result,
  ) {
    this.#line = line
    this.#value = value
    this.guard = guard
    this.#result = result
    this.size = line.length + (value?.length ?? 0) + (guard?.length ?? 0) + 20
  }

  write(out: Buffer, start: number, opaque: number): number {
    const { guard } = this
    const value = this.#value
    const head = guard === undefined ? numbered(this.#line, opaque) : `${this.#line}\r\n`
    let at = start + out.write(head, start, 'latin1')
    if (value !== undefined) {
      out.set(value, at)
      at += value.length
      out[at] = 0x0d
      out[at + 1] = 0x0a
      at += 2
    }
    if (guard !== undefined) this.tail = out.write(numbered(guard, opaque), at, 'latin1')
    return at + this.tail
  }

  /** Whether its answer, or that of its guard, has no number. */
  get isNoop(): boolean {
    return (this.guard ?? this.#line) === noop
  }

  read(reply: MetaReply): result {
    if (reply.error !== undefined) throw reply.error
    return this.#result(reply)
  }
}

function numbered(line: string, opaque: number): string {
  return line === noop ? 'mn\r\n' : `${line} O${opaque}\r\n`
}

const noCas: Cas = new Uint8Array(8)

/** Separates answers. `maxValue` is the longest value that is accepted, in bytes. */
export function metaCodec(maxValue: number): Codec<MetaReply> {
  return {
    parse(bytes, start, command, answered) {
      const lineEnd = endOfLine(bytes, start, answered)
      if (lineEnd < 0) return undefined
      const own = command instanceof MetaCommand ? command : undefined
      const parseOwn = own?.isNoop === true ? parseNoop : parseMeta
      if (own?.guard === undefined) return parseOwn(bytes, start, lineEnd, answered, maxValue)

      const status = classicStatus(bytes, start, lineEnd)
      const error = status ? undefined : refusal(bytes, start, lineEnd, answered)
      const next = lineEnd + 2
      const guardEnd = next < bytes.length ? endOfLine(bytes, next, true) : -1
      if (guardEnd < 0) return undefined
      const guard = parseOwn(bytes, next, guardEnd, true, maxValue)
      if (guard === undefined) return undefined
      const { end, opaque } = guard
      return { bytes, status, error, end, opaque, cas: noCas, valueStart: 0, valueEnd: 0 }
    },
    errorAtEnd: (rest, answered) => (isCutOff(rest) ? undefined : textError(rest, answered)),
  }
}

/** The position of the line break; -1 if it has not arrived yet. */
function endOfLine(bytes: Buffer, start: number, answered: boolean): number {
  const first = bytes[start]!
  const newline = first >= 0x41 && first <= 0x5a ? bytes.indexOf(0x0a, start) : -1
  if (newline > start && bytes[newline - 1] === 0x0d) return newline - 1
  const letters = first >= 0x41 && first <= 0x5a
  if (newline < 0 && letters && bytes.length - start < maxLine) return -1
  throw textError(bytes.subarray(start), answered)
}

function parseNoop(bytes: Buffer, start: number, lineEnd: number, answered: boolean): MetaReply {
  if (!isWord(bytes, start, lineEnd, 'MN')) return refused(bytes, start, lineEnd, answered)
  return { ...noReply, bytes, status: 'MN', error: undefined, end: lineEnd + 2 }
}

const noReply = { status: undefined, opaque: undefined, cas: noCas, valueStart: 0, valueEnd: 0 }

function refused(bytes: Buffer, start: number, lineEnd: number, answered: boolean): MetaReply {
  const error = refusal(bytes, start, lineEnd, answered)
  return { ...noReply, bytes, error, end: lineEnd + 2 }
}

function parseMeta(
  bytes: Buffer,
  start: number,
  lineEnd: number,
  answered: boolean,
  maxValue: number,
): MetaReply | undefined {
  const status = metaStatus(bytes, start, lineEnd)
  if (status === undefined) return refused(bytes, start, lineEnd, answered)
  let at = start + 3
  let end = lineEnd + 2
  let valueStart = 0
  let valueEnd = 0
  if (status === 'VA') {
    const sizeEnd = endOfWord(bytes, at, lineEnd)
    const size = decimal(bytes, at, sizeEnd)
    if (size > maxValue) throw protocolError('longer than maxValueBytes')
    valueStart = end
    valueEnd = valueStart + size
    end = valueEnd + 2
    if (bytes.length < end) return undefined
    if (bytes[valueEnd] !== 0x0d || bytes[valueEnd + 1] !== 0x0a) {
      throw protocolError('of impossible length')
    }
    at = sizeEnd + 1
  }
  let opaque: number | undefined
  let cas = noCas
  while (at < lineEnd) {
    const wordEnd = endOfWord(bytes, at, lineEnd)
    if (bytes[at] === 0x4f) opaque = decimal(bytes, at + 1, wordEnd)
    else if (bytes[at] === 0x63) cas = parseCas(bytes, at + 1, wordEnd)
    at = wordEnd + 1
  }
  if (opaque === undefined) throw withoutNumber()
  return { bytes, status, error: undefined, opaque, cas, valueStart, valueEnd, end }
}

const statuses = new Map<number, MetaStatus>(
  (['HD', 'VA', 'EN', 'NF', 'NS', 'EX'] as const).map((status) => [
    (status.charCodeAt(0) << 8) | status.charCodeAt(1),
    status,
  ]),
)

function metaStatus(bytes: Buffer, start: number, lineEnd: number): MetaStatus | undefined {
  if (lineEnd - start > 2 ? bytes[start + 2] !== 0x20 : lineEnd - start < 2) return undefined
  return statuses.get((bytes[start]! << 8) | bytes[start + 1]!)
}

const classics = ['STORED', 'EXISTS', 'NOT_FOUND'] as const

function classicStatus(bytes: Buffer, start: number, end: number): ClassicStatus | undefined {
  return classics.find((word) => isWord(bytes, start, end, word))
}

/** Faster than comparing strings. */
function isWord(bytes: Buffer, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false
  for (let at = 0; at < word.length; at++) {
    if (bytes[start + at] !== word.charCodeAt(at)) return false
  }
  return true
}

/**
 * The server's refusal of one command. Any refusal except SERVER_ERROR ends the connection, because
 * the server may have read parts of the command as other commands.
 */
function refusal(bytes: Buffer, start: number, lineEnd: number, answered: boolean): StoreError {
  const error = textError(bytes.subarray(start, lineEnd), answered)
  if (bytes.toString('latin1', start, start + 13) === 'SERVER_ERROR ') return error
  throw error
}

function endOfWord(bytes: Buffer, start: number, lineEnd: number): number {
  let at = start
  while (at < lineEnd && bytes[at] !== 0x20) at++
  return at
}

function decimal(bytes: Buffer, start: number, end: number): number {
  let number = 0
  for (let at = start; at < end; at++) number = number * 10 + digit(bytes[at]!)
  if (end > start && end - start <= 10) return number
  throw protocolError('with an invalid number')
}

/** Parses a decimal number of up to 64 bits into two exact halves; a double would round it. */
export function parseCas(bytes: Uint8Array, start: number, end: number): Cas {
  let high = 0
  let low = 0
  for (let at = start; at < end; at++) {
    low = low * 10 + digit(bytes[at]!)
    high = high * 10 + Math.floor(low / 2 ** 32)
    low %= 2 ** 32
    if (high >= 2 ** 32) throw protocolError('with a cas of more than 64 bits')
  }
  if (end === start) throw protocolError('with an empty cas')
  const cas = new Uint8Array(8)
  for (let byte = 3; byte >= 0; byte--) {
    cas[byte] = high & 0xff
    cas[byte + 4] = low & 0xff
    high >>>= 8
    low >>>= 8
  }
  return cas
}

/** The cas as a decimal number, the form of the meta protocol. */
export function casText(cas: Cas): string {
  const high = uint32(cas, 0)
  const low = uint32(cas, 4)
  // Numbers are exact up to 2^53, and several times faster than BigInt.
  if (high < 2 ** 21) return String(high * 2 ** 32 + low)
  return ((BigInt(high) << 32n) | BigInt(low)).toString()
}

function uint32(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!]
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

function digit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  throw protocolError('with an invalid number')
}

function withoutNumber(): StoreError {
  const message =
    'The meta protocol needs memcached 1.6.18 or newer: this one answers without a number'
  return new StoreError('config', message, { sent: true, answered: true })
}
