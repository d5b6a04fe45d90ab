import { createBinaryWire } from './binary-wire.ts'
import { within } from './deadline.ts'
import { StoreError } from './errors.ts'
import { detect } from './link-detect.ts'
import type { Protocol } from './link-detect.ts'
import { linkSettings } from './link-options.ts'
import type { WireOptions } from './link-options.ts'
import { createMetaWire } from './meta-wire.ts'
import type { Wire } from './wire.ts'

const wires = { binary: createBinaryWire, meta: createMetaWire }

/** A wire in the given protocol; `auto` asks the node first. */
export function createWire(options: WireOptions, protocol: Protocol | 'auto'): Wire {
  return protocol === 'auto' ? createAutoWire(options) : wires[protocol](options)
}

/** One question to the node, and the wire in the protocol of its answer. */
interface Asked {
  readonly answer: Promise<Wire>
  wire: Wire | undefined
  /** Commands that wait for the answer, or use the wire. */
  users: number
}

/**
 * Asks the node which protocol it speaks before the first command, and again after a connection has
 * ended: another server may have taken its place. The question is part of the command's time.
 */
function createAutoWire(options: WireOptions): Wire {
  const { deadline } = linkSettings(options)
  const open = new Set<Asked>()
  let current: Asked | undefined
  let isClosed = false

  function ask(): Asked {
    const answer = detect(options).then((protocol) => wires[protocol](options))
    const asked: Asked = { answer, wire: undefined, users: 0 }
    open.add(asked)
    answer.then(
      (wire) => {
        asked.wire = wire
        if (isClosed || (asked !== current && asked.users === 0)) end(asked)
      },
      () => leave(asked),
    )
    return asked
  }

  /** The next command asks anew; those that are under way go on. */
  function leave(asked: Asked): void {
    if (asked === current) current = undefined
    if (asked.users === 0) end(asked)
  }

  function end(asked: Asked): void {
    asked.wire?.close()
    open.delete(asked)
  }

  async function use<result>(command: (wire: Wire) => Promise<result>): Promise<result> {
    if (isClosed) throw new StoreError('unavailable', 'The store was closed', { sent: false })
    const asked = (current ??= ask())
    asked.users++
    try {
      return await (asked.wire === undefined ? askFirst(asked, command) : command(asked.wire))
    } catch (error) {
      if (asked.wire !== undefined && mayBeAnother(error)) leave(asked)
      throw error
    } finally {
      asked.users--
      if (asked !== current && asked.users === 0) end(asked)
    }
  }

  async function askFirst<result>(
    { answer }: Asked,
    command: (wire: Wire) => Promise<result>,
  ): Promise<result> {
    const begun = performance.now()
    const wire = await within(deadline, answer.catch(notSent), false)
    return within(deadline - (performance.now() - begun), command(wire), true)
  }

  return {
    get: (key, ttl) => use((wire) => wire.get(key, ttl)),
    add: (key, value, ttl) => use((wire) => wire.add(key, value, ttl)),
    replace: (key, value, ttl, cas) => use((wire) => wire.replace(key, value, ttl, cas)),
    delete: (key, cas) => use((wire) => wire.delete(key, cas)),
    check: () => use((wire) => wire.check()),
    close() {
      isClosed = true
      for (const asked of open) end(asked)
    },
  }
}

/** The question was sent, the command was not. */
function notSent(error: unknown): never {
  const { code, message, cause } = error as StoreError
  throw new StoreError(code, message, { sent: false, cause })
}

/** Whether the connection ended, or the node may speak something else than it did. */
function mayBeAnother(error: unknown): boolean {
  const { code, sent } = error as Partial<StoreError>
  return code === 'unavailable' || code === 'protocol' || (code === 'config' && sent === true)
}
