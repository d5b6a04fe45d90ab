import { createBinaryWire } from './binary-client.ts'
import { within } from '../link/deadline.ts'
import { StoreError } from '../errors.ts'
import { detect } from './detect.ts'
import type { Protocol } from './detect.ts'
import { linkSettings } from '../link/settings.ts'
import type { WireOptions } from '../link/settings.ts'
import { createMetaWire } from './meta-client.ts'
import type { LineWire, Wire } from './client.ts'

const wires = { binary: createBinaryWire, meta: createMetaWire }

/** A wire in the given protocol; `auto` asks the node first. */
export function createWire(options: WireOptions, protocol: Protocol | 'auto'): Wire {
  return protocol === 'auto' ? createAutoWire(options) : wires[protocol](options)
}

/**
 * Asks the node which protocol it speaks before each connection: after the last one another server
 * may have taken its place. The question is part of the time of the commands that wait for it.
 */
function createAutoWire(options: WireOptions): Wire {
  const { deadline } = linkSettings(options)
  let wire: LineWire | undefined
  /** From the question until a command has used its answer. */
  let asked: Promise<LineWire> | undefined
  let isClosed = false

  async function ask(): Promise<LineWire> {
    try {
      const protocol = await detect(options)
      wire = wires[protocol](options)
      if (isClosed) wire.close()
      return wire
    } catch (error) {
      asked = undefined
      const { code, message, cause } = error as StoreError
      // The question was sent, the command was not.
      throw new StoreError(code, message, { sent: false, cause })
    }
  }

  function use<result>(command: (wire: Wire) => Promise<result>): Promise<result> {
    return asked === undefined && wire?.connected ? command(wire) : useAnswer(command)
  }

  async function useAnswer<result>(command: (wire: Wire) => Promise<result>): Promise<result> {
    if (isClosed) throw new StoreError('unavailable', 'The store was closed', { sent: false })
    const begun = performance.now()
    asked ??= ask()
    const mine = asked
    const answer = await within(deadline, mine, false)
    const result = command(answer)
    if (asked === mine) asked = undefined
    return within(deadline - (performance.now() - begun), result, true)
  }

  return {
    get: (key, ttl) => use((wire) => wire.get(key, ttl)),
    add: (key, value, ttl) => use((wire) => wire.add(key, value, ttl)),
    replace: (key, value, ttl, cas) => use((wire) => wire.replace(key, value, ttl, cas)),
    delete: (key, cas) => use((wire) => wire.delete(key, cas)),
    check: () => use((wire) => wire.check()),
    close() {
      isClosed = true
      wire?.close()
    },
  }
}
