import {
  type Frame,
  FrameCommand,
  type FrameParts,
  frameCodec,
  opcodes,
  statusFault,
} from './binary-codec.ts'
import { Line } from '../link/reconnecting.ts'
import { type LinkSettings, linkSettings, type WireOptions } from '../link/settings.ts'
import { copyOf, requireCas, wrongWith } from './check-command.ts'
import { Link } from '../link/connection.ts'
import type { Cas, Hit, LineWire } from './client.ts'

const ok = 0x00
const missing = 0x01
const exists = 0x02

/**
 * The commands of one node in memcached's binary protocol. It connects at the first command, and
 * again at the first one after the connection has ended.
 * @throws {StoreError} `config`, when an option is wrong.
 */
export function createBinaryWire(options: WireOptions): LineWire {
  const settings = linkSettings(options)
  const limits = { maxValueBytes: settings.maxValueBytes, maxTtl: 0xffffffff }
  const line = new Line(() => openBinaryLink(settings))

  const send = <result>(
    parts: FrameParts & { readonly key: string },
    ttl: number | undefined,
    result: (frame: Frame) => result,
  ): Promise<result> => {
    const wrong = wrongWith(limits, parts.key, ttl, parts.value, parts.cas)
    return wrong ? Promise.reject(wrong) : line.submit(new FrameCommand(parts, result))
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
      return line.submit(binaryCheck())
    },
    close() {
      line.close()
    },
    get connected() {
      return line.alive
    },
  }
}

/** A link that speaks the binary protocol, after the login if there is one. */
export function openBinaryLink(settings: LinkSettings, opaque?: number): Link<Frame> {
  const { login } = settings
  const value = login && Buffer.from(`\0${login.username}\0${login.password}`)
  const hello = value && new FrameCommand({ opcode: opcodes.login, key: 'PLAIN', value }, accepted)
  // Room for an error message where values are short, and for the flags in front of a value.
  return new Link(settings, frameCodec(Math.max(settings.maxValueBytes, 1024) + 4), hello, opaque)
}

/**
 * Asks whether the node answers and lets us in. Not VERSION: memcached answers that before a login.
 */
export function binaryCheck(): FrameCommand<void> {
  return new FrameCommand({ opcode: opcodes.noop }, accepted)
}

function accepted(frame: Frame): void {
  if (frame.status !== ok) throw statusFault(frame)
}

function hitOrMiss(frame: Frame): Hit | null {
  if (frame.status === missing) return null
  if (frame.status !== ok) throw statusFault(frame)
  return {
    value: copyOf(frame.bytes, frame.value, frame.end),
    cas: requireCas(casOf(frame)),
  }
}

function addedOrTaken(frame: Frame): boolean {
  if (frame.status === ok) return true
  if (frame.status === exists) return false
  throw statusFault(frame)
}

function saved(frame: Frame): 'saved' | 'conflict' | 'missing' {
  return changed(frame) ? 'saved' : frame.status === exists ? 'conflict' : 'missing'
}

function deleted(frame: Frame): 'deleted' | 'conflict' | 'missing' {
  return changed(frame) ? 'deleted' : frame.status === exists ? 'conflict' : 'missing'
}

function changed(frame: Frame): boolean {
  if (frame.status === ok) return true
  if (frame.status === exists || frame.status === missing) return false
  throw statusFault(frame)
}

function casOf({ bytes, start }: Frame): Cas {
  const cas = new Uint8Array(8)
  for (let at = 0; at < 8; at++) cas[at] = bytes[start + 16 + at]!
  return cas
}
