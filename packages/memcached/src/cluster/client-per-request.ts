import { StoreError } from '@coatcheck/core/remote'
import type { Client } from '../protocol/client.ts'
import type { Breaker } from '@coatcheck/core/remote'
import { guardedBy } from './guarded-client.ts'
import type { ServerClient } from './members.ts'

/**
 * A server whose connections belong to a request: `lease` gives one that is kept until it is closed, and each command of
 * the client itself has its own. What all share is the breaker, which is numbers alone.
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
    // Of a closed server, such as one that has left, the commands fail, and not those of the others.
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
