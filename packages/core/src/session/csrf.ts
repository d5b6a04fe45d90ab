import { crypto } from '#crypto'
import { SessionError } from '../errors.ts'
import { encodeBase64url } from '../crypto/base64url.ts'
import type { Session } from './session.ts'
import { sharedMap } from './shared-map.ts'
import { encodeText } from '../crypto/token.ts'

/** Where the roots of a session's tokens come from. */
export interface RootSource {
  /** For a form that is being made: the root that the session will have after this request. */
  readonly issue: () => Uint8Array
  /** For a form that came back: the root that the session had when it was loaded; `null`: it was new. */
  readonly loaded: Uint8Array | null
}

const sources = (): WeakMap<object, RootSource> => sharedMap('csrf roots, 1')

/** Lets `csrfToken` and `verifyCsrf` work on a session. */
export function attachRoots(session: object, source: RootSource): void {
  sources().set(session, source)
}

/**
 * A token for a form, that only a page made for this session has. It is derived from 16 random bytes inside
 * the record, changes with every `renew`, and not with rotation. Asking for one keeps a new session.
 * Throws a `SessionError` `unavailable` when the session is.
 */
export async function csrfToken(session: Session<object>): Promise<string> {
  if (session.state === 'unavailable') {
    throw new SessionError('unavailable', 'The session store did not answer: answer 503')
  }
  return tokenOf(sourceOf(session).issue())
}

/** Whether a form brings the token of this session. */
export async function verifyCsrf(session: Session<object>, token: unknown): Promise<boolean> {
  const { loaded } = sourceOf(session)
  // Reading the state tells the caches that the answer depends on the session.
  if (session.state !== 'live') return false
  return loaded !== null && typeof token === 'string' && isSame(token, await tokenOf(loaded))
}

function sourceOf(session: object): RootSource {
  const source = sources().get(session)
  if (source !== undefined) return source
  throw new TypeError('csrfToken, verifyCsrf: this is no session of createSessions')
}

async function tokenOf(root: Uint8Array): Promise<string> {
  return encodeBase64url(await crypto.hmac(new Uint8Array(root), encodeText('csrf')))
}

/** Takes as long for a wrong guess whose beginning is right as for any other. */
function isSame(left: string, right: string): boolean {
  let difference = left.length ^ right.length
  for (let at = 0; at < right.length; at++) difference |= left.charCodeAt(at) ^ right.charCodeAt(at)
  return difference === 0
}
