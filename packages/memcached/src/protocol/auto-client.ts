import { loopTime, StoreError, withDeadline, withSent } from '@coatcheck/core/remote'
import type { ConnectionSettings } from '../link/connection-options.ts'
import type { Client } from './client.ts'
import { Detection } from './detect.ts'
import type { Detected, Dialect } from './detect.ts'

/**
 * A client that finds out which protocol its server speaks, at each connection, because another
 * server may have replaced the last one. It asks first as it was understood last.
 */
export function createAutoClient(settings: ConnectionSettings): Client {
  let detected: Detected | undefined
  let dialect: Dialect = 'meta'
  let detection: Detection | undefined
  let isClosed = false

  function begin(): Detection {
    detected?.connection.retire()
    const begun = new Detection(settings, dialect, detected !== undefined)
    begun.found.then(
      (found) => {
        detected = found
        dialect = found.dialect
        detection = undefined
        if (isClosed) found.connection.close()
      },
      () => (detection = undefined),
    )
    return begun
  }

  function use<result>(command: (client: Client) => Promise<result>): Promise<result> {
    return detected?.connection.alive ? command(detected.client) : useDetected(command)
  }

  /** Finding the protocol out is part of the time of the command. */
  async function useDetected<result>(
    command: (client: Client) => Promise<result>,
  ): Promise<result> {
    if (isClosed) throw new StoreError('unavailable', 'The store was closed', { sent: false })
    detection ??= begin()
    const { found, started } = detection
    await started
    const begun = loopTime()
    const { client } = await withDeadline(settings.deadline, found, false).catch(notSent)
    return withDeadline(settings.deadline - (loopTime() - begun), command(client), true)
  }

  return {
    get: (key, ttl, known) => use((client) => client.get(key, ttl, known)),
    add: (key, value, ttl) => use((client) => client.add(key, value, ttl)),
    replace: (key, value, ttl, cas) => use((client) => client.replace(key, value, ttl, cas)),
    delete: (key, cas) => use((client) => client.delete(key, cas)),
    check: () => use((client) => client.check()),
    close() {
      isClosed = true
      detection?.cancel()
      detected?.client.close()
    },
  }
}

/** Only the questions of the detection were sent, not the command. */
function notSent(error: StoreError): never {
  throw withSent(error, false)
}
