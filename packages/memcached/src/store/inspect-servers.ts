import { randomUUID } from 'node:crypto'
import type { ServerAddress } from '../cluster/address.ts'
import { createNaming } from '@coatcheck/core/remote'
import type { StoreError } from '@coatcheck/core/remote'
import { readConnectionOptions } from '../link/connection-options.ts'
import type { Endpoint } from '../link/connection-options.ts'
import type { Client } from '../protocol/client.ts'
import { createClient } from '../protocol/create-client.ts'
import { Detection } from '../protocol/detect.ts'
import type { Detected, Protocol } from '../protocol/detect.ts'
import { readStats } from '../protocol/read-stats.ts'
import type { ServerStats } from '../protocol/read-stats.ts'
import { checkServer } from './check-server.ts'
import { Discovery } from './discovery.ts'
import { readOptions } from './read-options.ts'
import type { Settings } from './read-options.ts'
import type { MemcachedStoreOptions } from './store-options.ts'

/** Facts about one server. Contains no credentials. */
export interface ServerInspection {
  /** As it is listed: `host:port`, or the path of a unix socket. */
  readonly server: string
  readonly endpoint: Endpoint
  /** The error of `store.check()` for this server; `null` if the store can use it. */
  readonly error: StoreError | null
  /** The protocols that it speaks; empty if it cannot be reached or refuses the login. */
  readonly protocols: readonly Protocol[]
  /** Whether the connection is encrypted. */
  readonly tls: boolean
  /** `configured`: there is a username. `required`: the server accepts nothing without one. */
  readonly login: { readonly configured: boolean; readonly required: boolean }
  /** `null` if the server reports none, as with some services. */
  readonly stats: ServerStats | null
  /** Seconds that its clock is ahead of this process, accurate to one second; `null` without statistics. */
  readonly clockDifference: number | null
  /** Milliseconds of several commands that do nothing, sent one after another. */
  readonly roundTrips: readonly number[]
}

/** The number of commands that are timed. */
const samples = 20

/**
 * Connects to every server of a store with these options, and collects facts about it. Writes and removes the same
 * record as `store.check()`. A server that cannot be used is not a rejection.
 * @throws {SessionError} `invalid-option`; rejects with a `StoreError` if `discovery` fails.
 */
export async function inspectServers(
  options: MemcachedStoreOptions = {},
): Promise<readonly ServerInspection[]> {
  const settings = readOptions(options)
  const addresses =
    settings.discovery === undefined ? settings.addresses : await new Discovery(settings).read()
  return Promise.all(addresses.map((address) => inspectServer(address, settings)))
}

async function inspectServer(
  address: ServerAddress,
  settings: Settings,
): Promise<ServerInspection> {
  const options = settings.connectionOptionsFor(address)
  const error = await checkOf(address, settings)
  const connection = readConnectionOptions(options)
  const detect = (first: Protocol): Promise<Detected | null> =>
    new Detection(connection, first).found.catch(() => null)
  const found = [await detect('meta'), await detect('binary')] as const
  const [detected, other] = settings.protocol === 'binary' ? found.toReversed() : found
  // The server may be short of connections.
  other?.connection.close()
  const dialects = found.flatMap((each) => each?.dialect ?? [])
  try {
    const begun = settings.now()
    const stats = detected ? await readStats(connection, detected.dialect).catch(() => null) : null
    const time = Number(stats?.general['time'])
    return {
      server: address.name,
      endpoint: address.endpoint,
      error,
      protocols: (['meta', 'binary'] as const).filter((protocol) =>
        dialects.some((dialect) => dialect.startsWith(protocol)),
      ),
      tls: options.tls !== undefined,
      login: {
        configured: options.username !== undefined,
        required: error?.code === 'auth' || requiresLogin(stats),
      },
      stats,
      clockDifference: time > 0 ? time - Math.floor((begun + settings.now()) / 2000) : null,
      roundTrips: detected == null ? [] : await timeCommands(detected.client),
    }
  } finally {
    detected?.connection.close()
  }
}

/** The result of the store's own check, in its own protocol. */
async function checkOf(address: ServerAddress, settings: Settings): Promise<StoreError | null> {
  const { prefix, protocol } = settings
  const options = settings.connectionOptionsFor(address)
  const client = createClient(options, protocol)
  const key = `${prefix}check:${randomUUID()}`
  try {
    await checkServer({ client, key, protocol, options, isClosed: () => false })
    return null
  } catch (error) {
    return createNaming(address.name)(error) as StoreError
  } finally {
    client.close()
  }
}

function requiresLogin(stats: ServerStats | null): boolean {
  const { auth_enabled_ascii: text, auth_enabled_sasl: sasl } = stats?.settings ?? {}
  // The first is the name of the file with the logins.
  return (text ?? 'no') !== 'no' || sasl === 'yes'
}

async function timeCommands(client: Client): Promise<readonly number[]> {
  const times: number[] = []
  for (let n = 0; n < samples; n++) {
    const begun = performance.now()
    const answered = await client.check().then(
      () => true,
      () => false,
    )
    if (!answered) break
    times.push(performance.now() - begun)
  }
  return times
}
