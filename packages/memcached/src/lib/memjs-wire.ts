import type { Response } from 'memjs'
import type { ServerAddress } from './address.ts'
import { StoreError, type StoreErrorCode } from './errors.ts'
import { MemjsConnection, type Request } from './memjs-connection.ts'
import type { Cas, Hit, Wire } from './wire.ts'

export interface MemjsWireOptions extends ServerAddress {
  /** Milliseconds until a command is given up, connecting included. Default 250. */
  readonly deadline?: number
}

/** There is no `set`: one that fails, for its size or even for its cas, deletes the record. */
const opcodes = {
  get: 0x00,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  noop: 0x0a,
  getAndTouch: 0x1d,
} as const

const statuses = { ok: 0x00, missing: 0x01, exists: 0x02 } as const

/**
 * The commands of one node through memjs. It connects at the first command, and again at the first
 * one after the connection has ended.
 */
export function createMemjsWire(options: MemjsWireOptions): Wire {
  const { deadline = 250 } = options
  let connection: MemjsConnection | undefined
  let closed = false

  const ask = async (request: Request): Promise<Response> => {
    if (closed) throw new StoreError('unavailable', 'The connection was closed', { sent: false })
    if (connection === undefined || !connection.alive) {
      connection = new MemjsConnection(options, deadline)
    }
    return connection.request(request)
  }

  return {
    async get(key, ttl) {
      const request: Request =
        ttl === undefined
          ? { opcode: opcodes.get, key }
          : { opcode: opcodes.getAndTouch, key, extras: [ttl] }
      return hitOf(await ask(request))
    },
    async add(key, value, ttl) {
      const { header } = await ask({ opcode: opcodes.add, key, value, extras: [0, ttl] })
      if (header.status === statuses.exists) return false
      requireOk(header.status)
      return true
    },
    async replace(key, value, ttl, cas) {
      requireCas(cas)
      const { header } = await ask({ opcode: opcodes.replace, key, value, extras: [0, ttl], cas })
      return outcomeOf(header.status, 'saved')
    },
    async delete(key, cas) {
      if (cas !== undefined) requireCas(cas)
      const { header } = await ask({ opcode: opcodes.delete, key, cas })
      return outcomeOf(header.status, 'deleted')
    },
    async check() {
      // Not VERSION, which memcached answers before a login too.
      const { header } = await ask({ opcode: opcodes.noop })
      requireOk(header.status)
    },
    close() {
      closed = true
      connection?.close()
    },
  }
}

/** Copies: memjs's value and cas are views into the bytes of the connection. */
function hitOf({ header, val }: Response): Hit | null {
  if (header.status === statuses.missing) return null
  requireOk(header.status)
  const cas = new Uint8Array(header.cas)
  if (isZero(cas)) {
    const message = 'memcached runs with -C (no cas), so updates would be lost: start it without -C'
    throw new StoreError('config', message, { sent: true })
  }
  return { value: new Uint8Array(val), cas }
}

function outcomeOf<done extends string>(
  status: number,
  done: done,
): done | 'conflict' | 'missing' {
  if (status === statuses.exists) return 'conflict'
  if (status === statuses.missing) return 'missing'
  requireOk(status)
  return done
}

/** memcached takes a cas of zero for "whatever the cas". */
function requireCas(cas: Cas): void {
  if (cas.length === 8 && !isZero(cas)) return
  throw new StoreError('config', 'A version must be 8 bytes, not all zero', { sent: false })
}

function isZero(cas: Cas): boolean {
  return cas.every((byte) => byte === 0)
}

function requireOk(status: number): void {
  if (status === statuses.ok) return
  const [code, message] = faults.get(status) ?? (['unavailable', 'The node failed'] as const)
  throw new StoreError(code, `${message} (status 0x${status.toString(16)})`, { sent: true })
}

const faults: ReadonlyMap<number, readonly [StoreErrorCode, string]> = new Map([
  [0x03, ['too-large', 'The record is larger than the node takes (-I); nothing was changed']],
  [0x20, ['auth', 'The node wants a login']],
  [0x81, ['config', 'The node does not know the command']],
  [0x83, ['config', 'The node does not support the command']],
  [0x82, ['overloaded', 'The node has no memory left']],
  [0x85, ['overloaded', 'The node is busy']],
  [0x86, ['overloaded', 'The node fails for the moment']],
] as const)
