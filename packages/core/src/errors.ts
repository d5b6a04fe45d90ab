/**
 * The reason for a `SessionError`. Codes are stable across releases.
 * - `invalid-option`: an option or argument is invalid
 * - `unsupported-value`: a value cannot be stored, or a subject or label is not valid text; nothing was written
 * - `invalid-value`: the schema rejects the data; nothing was written, and the session can still be changed
 * - `too-large`: the record would exceed `maxBytes`; nothing was written, and the stored record is unchanged
 * - `merge-failed`: a resolver threw, or the schema rejects the merged data; nothing was written
 * - `invalid-schema`: the schema rejects an empty session, or its own output
 * - `committed`: the session was changed after its commit
 * - `read-only`: the session was changed where it cannot be saved
 * - `not-fresh`: for `requireFresh`, the last sign-in or renewal is too old
 * - `not-bound`: `requireBound` found no fresh proof of the device, or `csrfToken` was called on an `unproven` session
 * - `damaged-value`: a stored value cannot be decoded
 * - `unavailable`: the session is unavailable, and the call cannot work without it (`list`, `csrfToken`) or the option
 *   `unavailable` is `throw`
 */
export type SessionErrorCode =
  | 'invalid-option'
  | 'unsupported-value'
  | 'invalid-value'
  | 'too-large'
  | 'merge-failed'
  | 'invalid-schema'
  | 'committed'
  | 'read-only'
  | 'not-fresh'
  | 'not-bound'
  | 'damaged-value'
  | 'unavailable'

/** The HTTP status that suits a `SessionError`. */
export type SessionErrorStatus = 400 | 403 | 409 | 413 | 500 | 503

const statuses: { readonly [code in SessionErrorCode]?: SessionErrorStatus } = {
  'unsupported-value': 400,
  'invalid-value': 400,
  'not-fresh': 403,
  'not-bound': 403,
  'merge-failed': 409,
  'too-large': 413,
  unavailable: 503,
}

const brand = Symbol.for('@coatcheck/core SessionError')

/**
 * An expected error of Coatcheck, with a stable `code`. The message never contains a token, an id or a value.
 * `instanceof` also recognizes errors from another copy of the core in the same process (bundlers can create copies).
 */
export class SessionError extends Error {
  override readonly name = 'SessionError'
  readonly code: SessionErrorCode
  /** The HTTP status for the response: 400, 403, 409, 413 or 503, or 500 for a programming error. */
  readonly status: SessionErrorStatus

  constructor(code: SessionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.status = statuses[code] ?? 500
  }

  static {
    Object.defineProperty(this.prototype, brand, { value: true })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== SessionError) return Function.prototype[Symbol.hasInstance].call(this, value)
    return typeof value === 'object' && value !== null && brand in value && value instanceof Error
  }
}
