import { StoreError } from '@coatcheck/core/remote'
import type { Client } from '../protocol/client.ts'
import type { Breaker } from '@coatcheck/core/remote'
import { guardedBy } from './guarded-client.ts'
import type { ServerClient } from './members.ts'

/**
 * A server whose connections belong to requests: `lease` returns a client with its own connection until it is closed,
 * and each command of the server itself opens its own. All share the breaker, which is only counters.
 */
export function createClientPerRequest(
  connect: () => Client,
  breaker: Breaker,
  deadline: number,
): ServerClient {
  const shared = { ...breaker, close() {} }
  let isClosed = false

  const open = (): Client => guardedBy(shared, connect(), deadline)

  async function once<result>(command: (client: Client) => Promise<result>): Promise<result> {
    if (isClosed) throw new StoreError('unavailable', 'The store was closed', { sent: false })
    const client = open()
    try {
      return await command(client)
    } finally {
      client.close()
    }
  }

  const server: ServerClient = {
    // After a server was closed, for example because it left, only its own commands must fail.
    lease: () => (isClosed ? server : open()),
    get: (key, ttl, known) => once((client) => client.get(key, ttl, known)),
    add: (key, value, ttl) => once((client) => client.add(key, value, ttl)),
    replace: (key, value, ttl, cas) => once((client) => client.replace(key, value, ttl, cas)),
    delete: (key, cas) => once((client) => client.delete(key, cas)),
    check: () => once((client) => client.check()),
    close: () => void (isClosed = true),
  }
  return server
}
