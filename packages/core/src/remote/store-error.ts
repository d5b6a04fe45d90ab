/**
 * Why a command failed, as a stable code.
 * - `unavailable`: the connection was refused, reset or closed, the host was not found, or the
 *   deadline passed
 * - `overloaded`: the server is full, or too many commands already wait for it
 * - `auth`: the server refuses the credentials, or requires a login
 * - `config`: the server lacks what the store needs (cas, the chosen protocol), its certificate is
 *   not trusted, or the command is invalid
 * - `too-large`: the record is larger than `maxBytes` or than the server accepts; the stored record
 *   is unchanged
 * - `protocol`: the bytes that arrived do not answer the command
 *
 * A record that arrives intact but was damaged or sealed with another secret is not a store error:
 * the core reports it as `unreadable` when it opens the record.
 */
export type StoreErrorCode =
  'unavailable' | 'overloaded' | 'auth' | 'config' | 'too-large' | 'protocol'

/** Why a command failed. The text never holds a key, a value or a credential. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  /**
   * Whether the command may have reached the server. `false`: it was not carried out and may be
   * sent again. `true`: unknown.
   */
  readonly sent: boolean
  /** Whether the server reported it. A server that reports an error is not down. */
  readonly answered: boolean
  /**
   * The server, as `host:port` or the path of its socket; the text begins with it. `null` if no server was involved.
   */
  readonly node: string | null

  constructor(
    code: StoreErrorCode,
    message: string,
    options: { sent: boolean; answered?: boolean; cause?: unknown; node?: string },
  ) {
    const { sent, answered = false, node = null } = options
    super(
      node === null ? message : `${node}: ${message}`,
      'cause' in options ? { cause: options.cause } : undefined,
    )
    this.code = code
    this.sent = sent
    this.answered = answered
    this.node = node
  }
}

/** The same error for a command that may have been sent, or was not. */
export function withSent(error: StoreError, sent: boolean): StoreError {
  if (error.sent === sent) return error
  const { code, message, answered, cause } = error
  return new StoreError(code, message, {
    sent,
    answered,
    ...(cause === undefined ? {} : { cause }),
  })
}

/**
 * Adds the server's name to errors. An error shared by many commands, such as all those in flight on a lost connection,
 * stays one shared error.
 */
export function createNaming(node: string): (error: unknown) => unknown {
  const named = new WeakMap<StoreError, StoreError>()
  return (error) => {
    if (!(error instanceof StoreError) || error.node !== null) return error
    const { code, message, sent, answered, cause } = error
    const known = named.get(error)
    if (known !== undefined) return known
    const options = cause === undefined ? {} : { cause }
    const copy = new StoreError(code, message, { sent, answered, node, ...options })
    named.set(error, copy)
    return copy
  }
}

/**
 * The bytes that arrived do not answer the command; `what` completes "The server sent an answer".
 */
export function protocolError(what: string): StoreError {
  return new StoreError('protocol', `The server sent an answer ${what}`, { sent: true })
}
