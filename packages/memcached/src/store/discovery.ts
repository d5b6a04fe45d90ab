import { parseServers } from '../cluster/address.ts'
import type { ServerAddress } from '../cluster/address.ts'
import { createNaming, StoreError, withDeadline } from '@coatcheck/core/remote'
import { readServerList } from '../protocol/read-server-list.ts'
import type { Settings } from './read-options.ts'

/** Reads the list of servers from a configuration endpoint, once for all concurrent callers. */
export class Discovery {
  readonly #settings: Settings
  #reading: Promise<readonly ServerAddress[]> | undefined

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Rejects with a `StoreError` that names the endpoint. */
  read(): Promise<readonly ServerAddress[]> {
    // Promises of other requests may never settle.
    if (this.#settings.connections === 'per-request') return this.#read()
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  async #read(): Promise<readonly ServerAddress[]> {
    const { connectionOptionsFor, deadline } = this.#settings
    const endpoint = this.#settings.addresses[0]!
    const { username, password } = endpoint
    const login = username === undefined || password === undefined ? {} : { username, password }
    try {
      const list = await withDeadline(
        deadline,
        readServerList(connectionOptionsFor(endpoint)),
        false,
      )
      return parseListed(list).map((address) => ({ ...address, ...login }))
    } catch (error) {
      throw createNaming(endpoint.name)(error)
    }
  }
}

/** An invalid list from the endpoint is not an invalid option of the app. */
function parseListed(list: readonly string[]): readonly ServerAddress[] {
  try {
    return parseServers(list, 'The configuration endpoint lists')
  } catch (cause) {
    const [, message] = (cause as Error).message.split('memcachedStore: ')
    throw new StoreError('config', String(message), { sent: true, answered: true, cause })
  }
}
