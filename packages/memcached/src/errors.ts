/**
 * What went wrong, as a stable code.
 * - `unavailable`: refused, reset, closed, timed out, name not found
 * - `overloaded`: the node or our own queue is full
 * - `auth`: the node refuses our credentials
 * - `config`: the node cannot do what we need (no cas, no binary protocol) or an option is wrong
 * - `too-large`: the record is larger than the node takes; nothing was sent, or nothing was changed
 * - `protocol`: bytes that are no answer to what we asked
 *
 * A record that arrives well, but is not what was stored (damaged, planted, of another secret), is
 * no error of a store: the core opens it, finds out, and says `unreadable`.
 */
export type StoreErrorCode =
  'unavailable' | 'overloaded' | 'auth' | 'config' | 'too-large' | 'protocol'

/** Why a command did not get its answer. It never carries a key, a value or a credential. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  /**
   * Whether bytes of the command may have reached the node. `false`: it surely was not carried out
   * and may be sent again; `true`: unknown.
   */
  readonly sent: boolean

  constructor(code: StoreErrorCode, message: string, options: { sent: boolean; cause?: unknown }) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.sent = options.sent
  }
}
