import { StoreError } from '../errors.ts'
import type { StoreErrorCode } from '../errors.ts'
import type { Command, Reply } from '../link/codec.ts'
import type { Connection } from '../link/connection.ts'
import { readConnectionOptions } from '../link/connection-options.ts'
import type { ConnectionOptions } from '../link/connection-options.ts'
import { binaryCheck, openBinaryConnection } from './binary-client.ts'
import { metaCheck, openMetaConnection } from './meta-client.ts'

export type Protocol = 'binary' | 'meta'

/**
 * Asks the server which protocol it speaks, on separate connections: meta first, then binary if the
 * server closes the connection or does not know the command. The meta check is sent without the
 * login: a server that requires one answers so, and one that does not never sees the password.
 *
 * Rejects with a `StoreError`: for example `unavailable` if the server cannot be reached, `auth` if
 * it refuses the login, `config` if it speaks neither protocol. A server that closes both
 * connections may be shutting down, so it is `unavailable`.
 */
export async function detectProtocol(options: ConnectionOptions): Promise<Protocol> {
  const settings = readConnectionOptions(options)
  const meta = openMetaConnection({ ...settings, login: undefined })
  const toMeta = await understands(meta, metaCheck(), 'auth')
  if (toMeta === 'yes') return 'meta'
  const toBinary = await understands(openBinaryConnection(settings), binaryCheck())
  if (toBinary === 'yes') return 'binary'
  const code = toMeta === 'hung up' && toBinary === 'hung up' ? 'unavailable' : 'config'
  const message = 'The server speaks neither the meta nor the binary protocol'
  throw new StoreError(code, message, { sent: false })
}

/**
 * Whether the server answers the command; the error code `accepted` counts as an answer. Rejects if
 * the failure says nothing about the protocol.
 */
async function understands<reply extends Reply>(
  connection: Connection<reply>,
  command: Command<reply, void>,
  accepted?: StoreErrorCode,
): Promise<'yes' | 'no' | 'hung up'> {
  try {
    await connection.submit(command)
    return 'yes'
  } catch (error) {
    const { code } = error as StoreError
    if (code === accepted) return 'yes'
    if (code === 'config' || code === 'protocol') return 'no'
    if (code === 'unavailable' && connection.hungUp) return 'hung up'
    throw error
  } finally {
    connection.close()
  }
}
