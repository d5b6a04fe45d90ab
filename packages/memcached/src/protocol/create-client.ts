import { StoreError } from '../errors.ts'
import { loopTime } from '../link/loop-clock.ts'
import { withDeadline } from '../link/with-deadline.ts'
import { readConnectionOptions } from '../link/connection-options.ts'
import type { ConnectionOptions } from '../link/connection-options.ts'
import { createBinaryClient } from './binary-client.ts'
import type { Client, ProtocolClient } from './client.ts'
import { detectProtocol } from './detect.ts'
import type { Protocol } from './detect.ts'
import { createMetaClient } from './meta-client.ts'

const clients = { binary: createBinaryClient, meta: createMetaClient }

/**
 * A client in the given protocol; `auto` asks the server first.
 * @throws {SessionError} `invalid-option`, if an option is wrong.
 */
export function createClient(options: ConnectionOptions, protocol: Protocol | 'auto'): Client {
  return protocol === 'auto' ? createAutoClient(options) : clients[protocol](options)
}

/**
 * Detects the protocol before each connection, because another server may have replaced the last
 * one. The detection counts towards the deadline of the commands that wait for it.
 */
function createAutoClient(options: ConnectionOptions): Client {
  const { deadline } = readConnectionOptions(options)
  let client: ProtocolClient | undefined
  /** Set from the start of a detection until the first command has used its result. */
  let detection: Promise<ProtocolClient> | undefined
  let isClosed = false

  async function detect(): Promise<ProtocolClient> {
    try {
      const protocol = await detectProtocol(options)
      client = clients[protocol](options)
      if (isClosed) client.close()
      return client
    } catch (error) {
      detection = undefined
      const { code, message, cause } = error as StoreError
      // Only the detection was sent, not the command.
      throw new StoreError(code, message, { sent: false, cause })
    }
  }

  function use<result>(command: (client: Client) => Promise<result>): Promise<result> {
    return detection === undefined && client?.alive ? command(client) : useDetected(command)
  }

  async function useDetected<result>(
    command: (client: Client) => Promise<result>,
  ): Promise<result> {
    if (isClosed) throw new StoreError('unavailable', 'The store was closed', { sent: false })
    const begun = loopTime()
    detection ??= detect()
    const mine = detection
    const detected = await withDeadline(deadline, mine, false)
    const result = command(detected)
    if (detection === mine) detection = undefined
    return withDeadline(deadline - (loopTime() - begun), result, true)
  }

  return {
    get: (key, ttl) => use((client) => client.get(key, ttl)),
    add: (key, value, ttl) => use((client) => client.add(key, value, ttl)),
    replace: (key, value, ttl, cas) => use((client) => client.replace(key, value, ttl, cas)),
    delete: (key, cas) => use((client) => client.delete(key, cas)),
    check: () => use((client) => client.check()),
    close() {
      isClosed = true
      client?.close()
    },
  }
}
