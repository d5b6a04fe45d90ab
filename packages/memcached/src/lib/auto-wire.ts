import { createBinaryWire } from './binary-wire.ts'
import { StoreError } from './errors.ts'
import { detect } from './link-detect.ts'
import type { Protocol } from './link-detect.ts'
import type { WireOptions } from './link-options.ts'
import { createMetaWire } from './meta-wire.ts'
import type { Wire } from './wire.ts'

const wires = { binary: createBinaryWire, meta: createMetaWire }

/** A wire in the given protocol; `auto` asks the node first. */
export function createWire(options: WireOptions, protocol: Protocol | 'auto'): Wire {
  return protocol === 'auto' ? createAutoWire(options) : wires[protocol](options)
}

/**
 * Asks the node which protocol it speaks before the first command, and again after an answer that does not
 * fit: another server may have taken its place.
 */
function createAutoWire(options: WireOptions): Wire {
  let asked: Promise<Wire> | undefined
  let isClosed = false

  async function ask(): Promise<Wire> {
    if (isClosed) throw new StoreError('unavailable', 'The store was closed', { sent: false })
    const wire = wires[await detect(options)](options)
    if (isClosed) wire.close()
    return wire
  }

  function forget(): void {
    void asked?.then(
      (wire) => wire.close(),
      () => {},
    )
    asked = undefined
  }

  async function use<result>(command: (wire: Wire) => Promise<result>): Promise<result> {
    asked ??= ask()
    const mine = asked
    try {
      return await command(await mine)
    } catch (error) {
      const { code } = error as StoreError
      const isUnknown = code === 'config' || code === 'protocol'
      if (asked === mine && (isUnknown || (await isFailed(mine)))) forget()
      throw error
    }
  }

  return {
    get: (key, ttl) => use((wire) => wire.get(key, ttl)),
    add: (key, value, ttl) => use((wire) => wire.add(key, value, ttl)),
    replace: (key, value, ttl, cas) => use((wire) => wire.replace(key, value, ttl, cas)),
    delete: (key, cas) => use((wire) => wire.delete(key, cas)),
    check: () => use((wire) => wire.check()),
    close() {
      isClosed = true
      forget()
    },
  }
}

/** Whether the question itself was not answered. */
async function isFailed(asked: Promise<Wire>): Promise<boolean> {
  try {
    await asked
    return false
  } catch {
    return true
  }
}
