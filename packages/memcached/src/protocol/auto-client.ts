import { isOutage, loopTime, StoreError, withDeadline, withSent } from '@coatcheck/core/remote'
import type { ConnectionSettings } from '../link/connection-options.ts'
import { tooMany } from '../link/pipeline.ts'
import type { Client } from './client.ts'
import { Detection } from './detect.ts'
import type { Detected, Dialect } from './detect.ts'

/**
 * A client that detects the server's protocol on every connection, because another server may have
 * replaced the last one. It tries the last known protocol first.
 */
export function createAutoClient(settings: ConnectionSettings): Client {
  let detected: Detected | undefined
  let dialect: Dialect = 'meta'
  let detection: Detection | undefined
  let isClosed = false
  /** Commands that wait for the detection. */
  let waiting = 0

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

  /** Detecting the protocol counts towards the command's deadline. */
  async function useDetected<result>(
    command: (client: Client) => Promise<result>,
  ): Promise<result> {
    if (isClosed) throw new StoreError('unavailable', 'The store was closed', { sent: false })
    if (waiting >= settings.maxInFlight) throw tooMany(settings.maxInFlight)
    const asking = (detection ??= begin())
    waiting++
    const { client, begun } = await clientOf(asking).finally(() => waiting--)
    return withDeadline(settings.deadline - (loopTime() - begun), command(client), true)
  }

  async function clientOf(asking: Detection): Promise<{ client: Client; begun: number }> {
    await asking.started
    const begun = loopTime()
    try {
      const { client } = await withDeadline(settings.deadline, asking.found, false)
      return { client, begun }
    } catch (error) {
      // Only the detection's commands were sent.
      const failure = withSent(error as StoreError, false)
      throw isOutage(failure) ? (asking.overdue ??= failure) : failure
    }
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
