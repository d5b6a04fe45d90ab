import { StoreError } from '@coatcheck/core/remote'
import type { ConnectionOptions } from '../link/connection-options.ts'
import type { Client } from '../protocol/client.ts'
import { detectProtocol } from '../protocol/detect.ts'
import type { Protocol } from '../protocol/detect.ts'

/** The lifetime of the check's record in seconds, if it cannot be deleted. */
const ttl = 10

/** One server of a store. */
export interface CheckedServer {
  readonly client: Client
  readonly isClosed: () => boolean
  readonly options: ConnectionOptions
  readonly protocol: Protocol | 'auto'
  /** The key of the check's record, which no session uses. */
  readonly key: string
}

/**
 * Writes, reads, replaces and deletes a record. Rejects with a `StoreError` that says what is wrong
 * with the server or its options. The same fault always has the same code.
 */
export async function checkServer(server: CheckedServer): Promise<void> {
  const { client, key } = server
  try {
    await client.check()
    await tryVersions(client, key)
  } catch (error) {
    throw await explain(error as StoreError, server)
  }
}

async function tryVersions(client: Client, key: string): Promise<void> {
  const [first, second] = [Uint8Array.of(1), Uint8Array.of(2)]
  await client.get(key)
  await client.add(key, first, ttl)
  const hit = await client.get(key, ttl)
  if (hit === null) throw config('does not keep what is written: give it memory (-m)')
  const saved = await client.replace(key, second, ttl, hit.cas)
  const again = await client.replace(key, first, ttl, hit.cas)
  const deleted = await client.delete(key)
  if (saved === 'saved' && again === 'conflict' && deleted === 'deleted') return
  throw config('does not compare versions (cas), so updates would be lost')
}

/**
 * A server that speaks the other protocol may be silent, hang up or send an error, so its protocol
 * is detected.
 */
async function explain(error: StoreError, server: CheckedServer): Promise<StoreError> {
  const { options, protocol, isClosed } = server
  const isOwn = isClosed() || (error.code === 'config' && !error.answered)
  if (isOwn || protocol === 'auto' || error.code === 'auth') return error
  try {
    const spoken = await detectProtocol(options, protocol)
    if (spoken === protocol) return error
    const why = protocol === 'meta' ? ', and not meta, which needs memcached 1.6.18 or newer' : ''
    return config(
      `speaks the ${spoken} protocol${why}: set protocol to '${spoken}' or 'auto'`,
      error,
    )
  } catch (fault) {
    const { code } = fault as StoreError
    return code === 'auth' || code === 'config' ? (fault as StoreError) : error
  }
}

function config(what: string, cause?: StoreError): StoreError {
  const options = { sent: false, answered: true, ...(cause === undefined ? {} : { cause }) }
  return new StoreError('config', `The server ${what}`, options)
}
