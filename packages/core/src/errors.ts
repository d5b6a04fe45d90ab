/**
 * What is wrong, as a stable code.
 * - `invalid-option`: `createSessions` was called with an option that cannot work
 * - `unsupported-value`: the session holds something that would not survive storage; nothing was written
 * - `invalid-value`: the schema refuses the data; nothing was written, and the session can still be changed
 * - `too-large`: the record would be larger than allowed; nothing was written, the stored one stands
 * - `merge-failed`: a resolver threw, or the schema refuses what merging gives; nothing was written
 * - `invalid-schema`: the schema refuses an empty session, or its own output
 * - `committed`: the session was changed after its commit
 * - `read-only`: the session was changed where it cannot be saved
 * - `not-fresh`: `requireFresh` found that the sign-in is too long ago
 * - `not-bound`: `requireBound` found no fresh proof of the device, or `csrfToken` a session that is `unproven`
 * - `damaged-value`: a stored value cannot be decoded
 * - `unavailable`: the store cannot be reached, and `unavailable: 'throw'` was asked for
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

/** The HTTP status of a response that reports the error. */
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
 * Every error that Coatcheck throws on purpose. Its text never holds a token, an id or a value.
 * `instanceof` knows those of another copy of the core in the same process as well, as bundlers make them.
 */
export class SessionError extends Error {
  override readonly name = 'SessionError'
  readonly code: SessionErrorCode
  /** For the response: 400, 403, 409, 413 or 503; 500 for a mistake in the program. */
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
