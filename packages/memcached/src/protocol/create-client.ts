import { readConnectionOptions } from '../link/connection-options.ts'
import type { ConnectionOptions } from '../link/connection-options.ts'
import { createAutoClient } from './auto-client.ts'
import { createBinaryClient } from './binary-client.ts'
import type { Client } from './client.ts'
import type { Protocol } from './detect.ts'
import { createMetaClient } from './meta-client.ts'

/**
 * A client for the given protocol; `auto` detects it.
 *
 * @throws {SessionError} `invalid-option`, if an option is wrong.
 */
export function createClient(options: ConnectionOptions, protocol: Protocol | 'auto'): Client {
  if (protocol === 'auto') return createAutoClient(readConnectionOptions(options))
  return protocol === 'meta' ? createMetaClient(options) : createBinaryClient(options)
}
