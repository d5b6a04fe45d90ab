import { protocolError } from '@coatcheck/core/remote'
import type { Codec, Command, Reply } from '../link/command.ts'
import { Connection } from '../link/connection.ts'
import type { ConnectionSettings } from '../link/connection-options.ts'
import { binaryCodec, BinaryCommand, opcodes, statusError } from './binary-codec.ts'
import type { BinaryReply } from './binary-codec.ts'
import { binaryLogin } from './binary-client.ts'
import type { Dialect } from './detect.ts'
import { metaLogin } from './meta-client.ts'
import { metaCodec } from './meta-codec.ts'
import type { MetaReply } from './meta-codec.ts'
import { textError } from './text-error.ts'

/** A server's statistics as text by name: see memcached's doc/protocol.txt. */
export type Stats = Readonly<Record<string, string>>

/** The answers of `stats` and of `stats settings`. */
export interface ServerStats {
  readonly general: Stats
  readonly settings: Stats
}

/** The longest list that is read, in bytes. memcached 1.6 sends 4 KB. */
const longest = 64 * 1024

/**
 * Reads a server's statistics and settings over a separate connection. Rejects with a `StoreError`, also if the server
 * does not provide them, as with some services.
 */
export function readStats(settings: ConnectionSettings, dialect: Dialect): Promise<ServerStats> {
  if (dialect === 'binary') return ask(openBinary(settings), (group) => new BinaryQuestion(group))
  const connection = openText(settings, dialect === 'meta with login')
  return ask(connection, (group) => new TextQuestion(group))
}

async function ask<reply extends Reply>(
  connection: Connection<reply>,
  question: (group: string) => Command<reply, Stats>,
): Promise<ServerStats> {
  try {
    const general = await connection.submit(question(''))
    return { general, settings: await connection.submit(question('settings')) }
  } finally {
    connection.close()
  }
}

type TextReply =
  MetaReply | { readonly end: number; readonly opaque: undefined; readonly stats: Stats }

function openText(settings: ConnectionSettings, logsIn: boolean): Connection<TextReply> {
  const meta = metaCodec(settings.maxValueBytes)
  const codec: Codec<TextReply> = {
    parse(bytes, start, command, answered) {
      if (!(command instanceof TextQuestion)) return meta.parse(bytes, start, command, answered)
      return parseList(bytes, start)
    },
    errorAtEnd: meta.errorAtEnd,
  }
  const login = logsIn && settings.login ? metaLogin(settings.login) : undefined
  return new Connection({ ...settings, login: undefined }, codec, login)
}

class TextQuestion implements Command<TextReply, Stats> {
  readonly size: number
  readonly tail = 0
  readonly #line: string

  constructor(group: string) {
    this.#line = group === '' ? 'stats\r\n' : `stats ${group}\r\n`
    this.size = this.#line.length
  }

  write(out: Buffer, start: number): number {
    return start + out.write(this.#line, start, 'latin1')
  }

  read(reply: TextReply): Stats {
    if ('stats' in reply) return reply.stats
    throw protocolError('that is no list of statistics')
  }
}

function parseList(bytes: Buffer, start: number): TextReply | undefined {
  const text = bytes.toString('latin1', start, start + longest)
  const last = /(?:^|\r\n)END\r\n/.exec(text)
  const isList = 'STAT '.startsWith(text.slice(0, 5)) || last?.index === 0
  if (!isList && text.includes('\n')) throw textError(bytes.subarray(start), false)
  if (last === null) {
    if (text.length < longest) return undefined
    throw protocolError('longer than a list of statistics')
  }
  const lines = text.slice(0, last.index).matchAll(/^STAT (\S+) (.*?)\r?$/gm)
  const stats = Object.fromEntries([...lines].map(([, name, value]) => [name!, value!]))
  return { end: start + last.index + last[0].length, opaque: undefined, stats }
}

interface BinaryList extends BinaryReply {
  readonly stats?: Stats
}

function openBinary(settings: ConnectionSettings): Connection<BinaryList> {
  const frames = binaryCodec(longest)
  const codec: Codec<BinaryList> = {
    parse(bytes, start, command, answered) {
      if (!(command instanceof BinaryQuestion)) {
        return frames.parse(bytes, start, command, answered)
      }
      return parseFrames(frames, bytes, start, answered)
    },
    errorAtEnd: frames.errorAtEnd,
  }
  return new Connection(settings, codec, settings.login && binaryLogin(settings.login))
}

class BinaryQuestion extends BinaryCommand<Stats> {
  constructor(group: string) {
    super({ opcode: opcodes.stat, key: group }, (frame: BinaryList) => frame.stats ?? {})
  }
}

/** Each value has its own frame. The last frame has no key. */
function parseFrames(
  frames: Codec<BinaryReply>,
  bytes: Buffer,
  start: number,
  answered: boolean,
): BinaryList | undefined {
  const stats: Record<string, string> = {}
  for (let at = start; at < bytes.length;) {
    const frame = frames.parse(bytes, at, undefined, answered)
    if (frame === undefined) return undefined
    if (frame.status !== 0) throw statusError(frame)
    const keyLength = bytes.readUInt16BE(at + 2)
    if (keyLength === 0) return { ...frame, stats }
    const name = bytes.toString('latin1', frame.value - keyLength, frame.value)
    stats[name] = bytes.toString('latin1', frame.value, frame.end)
    at = frame.end
  }
  return undefined
}
