import { Alarm, loopTime, StoreError } from '@coatcheck/core/remote'
import type { Reply } from '../link/command.ts'
import type { Connection } from '../link/connection.ts'
import { readConnectionOptions } from '../link/connection-options.ts'
import type { ConnectionOptions, ConnectionSettings } from '../link/connection-options.ts'
import { binaryCheck, binaryClientOn, openBinaryConnection } from './binary-client.ts'
import type { Client } from './client.ts'
import { metaClientOn, metaProbe, openMetaConnection } from './meta-client.ts'
import { answersVersion } from './probe-version.ts'

export type Protocol = 'binary' | 'meta'

/** The protocol of a server, and whether it requires a login. */
export type Dialect = 'meta' | 'meta with login' | 'binary'

/** A server whose protocol is known. */
export interface Detected {
  readonly dialect: Dialect
  /** The connection on which it answered. */
  readonly connection: AnyConnection
  /** Sends its commands over that connection. */
  readonly client: Client
}

type AnyConnection = Pick<
  Connection<Reply>,
  'alive' | 'close' | 'hungUp' | 'opened' | 'retire' | 'started'
>

/** The server does not speak the protocol that was tried. */
interface Refusal {
  readonly error: StoreError
  readonly hungUp: boolean
}

/**
 * Detects a server's protocol, and keeps the connection on which it answered. It tries one protocol, then the other if
 * the server refuses the first, closes the connection, or is silent for a third of the deadline.
 *
 * The text protocol is tried without the login: a server that requires one says so, and one that does not never sees
 * the password.
 */
export class Detection {
  /**
   * Rejects with a `StoreError`: why the server cannot be reached or is not trusted; `auth` if it refuses the login or
   * requires one; `config` if it speaks neither protocol. A server that closes every connection may be shutting down,
   * so it is `unavailable`.
   */
  readonly found: Promise<Detected>
  /** Resolves when deadlines begin: see `Connection`. */
  readonly started: Promise<void>
  /** The shared error of all commands that stop waiting, so that it counts as one failure. */
  overdue: StoreError | undefined
  readonly #settings: ConnectionSettings
  readonly #wasUnderstood: boolean
  readonly #connections: AnyConnection[] = []

  /**
   * `first`: what is tried first. `wasUnderstood`: the server has answered before, so connections that it closes are an
   * outage.
   */
  constructor(settings: ConnectionSettings, first: Dialect, wasUnderstood = false) {
    this.#settings = settings
    this.#wasUnderstood = wasUnderstood
    this.found = this.#find(first)
    this.started = this.#connections[0]!.started
  }

  /** Closes all connections. */
  cancel(): void {
    for (const connection of this.#connections) connection.close()
  }

  async #find(first: Dialect): Promise<Detected> {
    try {
      const found = await this.#askBoth(first)
      for (const connection of this.#connections) {
        if (connection !== found.connection) connection.close()
      }
      return found
    } catch (error) {
      this.cancel()
      throw error
    }
  }

  async #askBoth(first: Dialect): Promise<Detected> {
    const asked = this.#ask(first)
    const early = await this.#within(this.#settings.deadline / 3, asked)
    if (early !== undefined && 'client' in early) return early
    const other = this.#ask(first === 'binary' ? 'meta' : 'binary')
    if (early === undefined) return this.#eitherOf(asked, other)
    const found = await other.catch((error: StoreError) => {
      // It refuses the one protocol and is silent in the other, so it speaks neither.
      if (error.code !== 'unavailable' || !error.sent || early.hungUp) throw error
      return { error, hungUp: false }
    })
    return 'client' in found ? found : this.#speaksNeither(early, found)
  }

  /** The first protocol that is understood. If the silent connection fails, so does the other. */
  async #eitherOf(
    silent: Promise<Detected | Refusal>,
    other: Promise<Detected | Refusal>,
  ): Promise<Detected> {
    let isFound = false
    silent.catch(() => {
      if (!isFound) this.cancel()
    })
    try {
      const found = await Promise.any([silent.then(foundOrThrow), other.then(foundOrThrow)])
      isFound = true
      return found
    } catch (failed) {
      const errors = (failed as AggregateError).errors as StoreError[]
      throw errors.find(({ code }) => code !== 'unavailable') ?? errors[0]
    }
  }

  /** Tries one protocol. Text is retried with the login if it is refused without one. */
  async #ask(dialect: Dialect): Promise<Detected | Refusal> {
    const settings = dialect === 'meta' ? { ...this.#settings, login: undefined } : this.#settings
    let asked: AnyConnection | undefined
    try {
      if (dialect === 'binary') {
        const connection = this.#keep(openBinaryConnection(settings))
        asked = connection
        await connection.submit(binaryCheck())
        return { dialect, connection, client: binaryClientOn(connection, settings) }
      }
      const connection = this.#keep(openMetaConnection(settings))
      asked = connection
      await connection.submit(metaProbe(settings.probeKey)).catch(passFailureBehindProxy)
      return { dialect, connection, client: metaClientOn(connection, settings) }
    } catch (error) {
      const { code, answered } = error as StoreError
      const hasOtherLogin = dialect === 'meta' && this.#settings.login !== undefined
      if (code === 'auth' && hasOtherLogin) return this.#ask('meta with login')
      const hungUp = asked?.hungUp === true
      if (
        code === 'protocol' ||
        (code === 'config' && answered) ||
        (code === 'unavailable' && hungUp)
      ) {
        return { error: error as StoreError, hungUp }
      }
      throw error
    }
  }

  #keep<connection extends AnyConnection>(connection: connection): connection {
    this.#connections.push(connection)
    return connection
  }

  /** The result, or `undefined` if the server stays silent for this time once the connection is open. */
  async #within<result>(milliseconds: number, work: Promise<result>): Promise<result | undefined> {
    await Promise.race([work, this.#connections[0]!.opened])
    const silence = Promise.withResolvers<undefined>()
    const alarm = new Alarm(() => silence.resolve(undefined))
    alarm.set(loopTime() + milliseconds)
    try {
      return await Promise.race([work, silence.promise])
    } finally {
      alarm.clear()
    }
  }

  /**
   * Two connections may be lost by chance. A server that closes a third one after answering `version` does it on
   * purpose.
   */
  async #knowsOldCommandsAlone(): Promise<boolean> {
    if (!(await answersVersion(this.#settings))) return false
    const again = await this.#ask('meta').catch(() => null)
    return again !== null && 'hungUp' in again && again.hungUp
  }

  async #speaksNeither(first: Refusal, second: Refusal): Promise<never> {
    const neither = 'The server speaks neither the meta nor the binary protocol'
    if (!first.hungUp || !second.hungUp) {
      const { error } = first.hungUp ? second : first
      if (this.#wasUnderstood) {
        const message = `The server answers in no protocol any more: ${error.message}`
        throw new StoreError('protocol', message, { sent: false, cause: error })
      }
      const options = { sent: false, answered: true, cause: error }
      throw new StoreError('config', `${neither}: ${error.message}`, options)
    }
    if (!this.#wasUnderstood && (await this.#knowsOldCommandsAlone())) {
      const message = `${neither}, only older text commands, as twemproxy does: connect to memcached itself, or to its own proxy`
      throw new StoreError('config', message, { sent: false, answered: true })
    }
    const message = 'The server closes the connection whatever it is asked'
    throw new StoreError('unavailable', message, { sent: false })
  }
}

function foundOrThrow(found: Detected | Refusal): Detected {
  if ('client' in found) return found
  throw found.error
}

/** A proxy whose server is down still speaks the protocol. */
function passFailureBehindProxy(error: StoreError): void {
  if (error.code !== 'unavailable' || !error.answered) throw error
}

/** Detects a server's protocol: `first` if it speaks both. Rejects like `Detection`. */
export async function detectProtocol(
  options: ConnectionOptions,
  first: Protocol = 'meta',
): Promise<Protocol> {
  const detection = new Detection(readConnectionOptions(options), first)
  const { dialect } = await detection.found
  detection.cancel()
  return dialect === 'binary' ? 'binary' : 'meta'
}
