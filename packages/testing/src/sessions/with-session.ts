import type { Sessions } from '@coatcheck/core'

export interface WithSessionOptions {
  /** Signs this subject in, as `session.signIn` does. Default: the session has no subject. */
  readonly subject?: string
  /** The label that `sessions.list` shows for the session. Default: none. */
  readonly label?: string
  /** The visitor asked to be remembered, as `persist` of `session.signIn`. Needs a subject. Default: false. */
  readonly persist?: boolean
  /** Whether the requests will come over https, for `cookie.secure: 'per-request'`. Default: true. */
  readonly secure?: boolean
}

/**
 * Creates a session in the store of `sessions`, and resolves with its `Cookie` header, so that a test need not sign in
 * first. The data goes through the schema. The app must use the same store, secrets and namespace: give it the same
 * `sessions`, or use memcached if it is another process.
 * @throws {TypeError} if `persist` is given without a subject
 * @throws {Error} if nothing is to be stored (no data and no subject), or if the store did not take it
 * @throws {SessionError} as a commit does: for a value that cannot be stored, or that the schema refuses
 */
export async function withSession<data extends object>(
  sessions: Pick<Sessions<data>, 'open'>,
  data: Partial<data>,
  options: WithSessionOptions = {},
): Promise<string> {
  const { subject, label = null, persist = false, secure = true } = options
  if (persist && subject === undefined) {
    throw new TypeError('withSession: persist belongs to a sign-in: give a subject as well')
  }
  const { session, commit } = await sessions.open(null, { secure })
  Object.assign(session.data, data)
  if (subject !== undefined) session.signIn(subject, { label, persist })
  const { outcome, failure, cookie } = await commit()
  if (failure !== null) throw new Error(`withSession: the session was not stored: ${outcome}`)
  if (cookie !== null) return `${cookie.name}=${cookie.value}`
  throw new Error('withSession: there is nothing to store: give data or a subject')
}
