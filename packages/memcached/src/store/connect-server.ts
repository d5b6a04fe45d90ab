import type { ServerAddress } from '../cluster/address.ts'
import { createClientPerRequest } from '../cluster/client-per-request.ts'
import { breakerOf, createGuardedClient } from '../cluster/guarded-client.ts'
import { createClient } from '../protocol/create-client.ts'
import type { Settings } from './read-options.ts'

/** The connection to one server: shared by all requests or one per request, depending on `connections`. */
export function connectServer(
  settings: Settings,
  address: ServerAddress,
): ReturnType<typeof createGuardedClient> {
  const options = settings.connectionOptionsFor(address)
  const guard = { ...settings, node: address.name }
  const open = () => createClient(options, settings.protocol)
  if (settings.connections === 'shared') return createGuardedClient(open(), guard)
  return createClientPerRequest(open, breakerOf(guard), settings.deadline)
}
