import type { Line } from '../link/command.ts'
import { Connection } from '../link/connection.ts'
import { ReconnectingConnection } from '../link/reconnecting-connection.ts'
import { readConnectionOptions } from '../link/connection-options.ts'
import type { ConnectionOptions, ConnectionSettings } from '../link/connection-options.ts'
import { binaryCodec, BinaryCommand, opcodes, statusError } from './binary-codec.ts'
import type { BinaryParts, BinaryReply } from './binary-codec.ts'
import { checkCommand } from './check-command.ts'
import type { Cas, Client, Hit } from './client.ts'
import { createHit } from './create-hit.ts'
import { outOfPool } from './out-of-pool.ts'

const ok = 0x00
const missing = 0x01
const exists = 0x02

/**
 * A client in memcached's binary protocol. It connects at the first command, and again after a
 * disconnect.
 * @throws {SessionError} `invalid-option`, if an option is wrong.
 */
export function createBinaryClient(options: ConnectionOptions): Client {
  const settings = readConnectionOptions(options)
  return binaryClientOn(new ReconnectingConnection(() => openBinaryConnection(settings)), settings)
}

/** A client in the binary protocol that sends its commands to `connection`. */
export function binaryClientOn(
  connection: Line<BinaryReply>,
  { maxValueBytes }: ConnectionSettings,
): Client {
  const limits = { maxValueBytes, maxTtl: 0xffffffff }

  const send = <result>(
    parts: BinaryParts & { readonly key: string },
    ttl: number | undefined,
    result: (frame: BinaryReply) => result,
  ): Promise<result> => {
    const error = checkCommand(limits, parts.key, ttl, parts.value, parts.cas)
    return error ? Promise.reject(error) : connection.submit(new BinaryCommand(parts, result))
  }

  return {
    get(key, ttl) {
      if (ttl === undefined) return send({ opcode: opcodes.get, key }, ttl, hitOrMiss)
      return send({ opcode: opcodes.getAndTouch, key, extras: [ttl] }, ttl, hitOrMiss)
    },
    add(key, value, ttl) {
      return send({ opcode: opcodes.add, key, extras: [0, ttl], value }, ttl, addedOrTaken)
    },
    replace(key, value, ttl, cas) {
      return send({ opcode: opcodes.replace, key, extras: [0, ttl], value, cas }, ttl, saved)
    },
    delete(key, cas) {
      return send({ opcode: opcodes.delete, key, cas }, undefined, deleted)
    },
    check() {
      return connection.submit(binaryCheck())
    },
    close() {
      connection.close()
    },
  }
}

/** A connection that speaks the binary protocol, after the login if there is one. */
export function openBinaryConnection(
  settings: ConnectionSettings,
  opaque?: number,
): Connection<BinaryReply> {
  // Large enough for an error message, and for the flags in front of a value.
  return new Connection(
    settings,
    binaryCodec(Math.max(settings.maxValueBytes, 1024) + 4),
    settings.login && binaryLogin(settings.login),
    opaque,
  )
}

/** SASL PLAIN. */
export function binaryLogin(login: {
  readonly username: string
  readonly password: string
}): BinaryCommand<void> {
  const value = outOfPool(`\0${login.username}\0${login.password}`)
  return new BinaryCommand({ opcode: opcodes.login, key: 'PLAIN', value }, accepted)
}

/**
 * Checks that the server answers and accepts the login. Not VERSION, which is answered even without
 * a login.
 */
export function binaryCheck(): BinaryCommand<void> {
  return new BinaryCommand({ opcode: opcodes.noop }, accepted)
}

function accepted(frame: BinaryReply): void {
  if (frame.status !== ok) throw statusError(frame)
}

function hitOrMiss(frame: BinaryReply): Hit | null {
  if (frame.status === missing) return null
  if (frame.status !== ok) throw statusError(frame)
  return createHit(frame.bytes, frame.value, frame.end, casOf(frame))
}

function addedOrTaken(frame: BinaryReply): boolean {
  if (frame.status === ok) return true
  if (frame.status === exists) return false
  throw statusError(frame)
}

function saved(frame: BinaryReply): 'saved' | 'conflict' | 'missing' {
  return changed(frame) ? 'saved' : frame.status === exists ? 'conflict' : 'missing'
}

function deleted(frame: BinaryReply): 'deleted' | 'conflict' | 'missing' {
  return changed(frame) ? 'deleted' : frame.status === exists ? 'conflict' : 'missing'
}

function changed(frame: BinaryReply): boolean {
  if (frame.status === ok) return true
  if (frame.status === exists || frame.status === missing) return false
  throw statusError(frame)
}

function casOf({ bytes, start }: BinaryReply): Cas {
  const cas = new Uint8Array(8)
  for (let at = 0; at < 8; at++) cas[at] = bytes[start + 16 + at]!
  return cas
}
