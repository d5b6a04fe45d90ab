import type { DeviceRefusal } from './rules/device-mode.ts'
import type { Outcome } from './rules/next-step.ts'

/**
 * An event for logs, metrics and alerts. `idPrefix` is the first 8 characters of the session's id: enough to follow a
 * session through a log, and useless to an attacker. No event contains a token, a whole id or a value.
 */
export type SessionEvent =
  /** The session cookie is not a valid token; the store was not queried. */
  | { readonly type: 'token.malformed' }
  /** The request has two different session cookies; both were ignored. A sibling domain may be setting one. */
  | { readonly type: 'token.duplicate' }
  /** A request came over plain http in production, with `secure: 'per-request'`: its session is `unavailable`. */
  | { readonly type: 'request.insecure' }
  /**
   * In production, a cookie with Secure was set in response to a request over plain http: browsers drop it. Not emitted
   * for localhost, `*.localhost` and 127.0.0.1, or if the session was opened with only a `Cookie` header. A proxy that
   * ends TLS must send `X-Forwarded-Proto: https`; otherwise requests over https cause it too.
   */
  | { readonly type: 'cookie.insecure' }
  /** The store does not have the token: the session ended, expired or was evicted, or the token was made up. */
  | { readonly type: 'token.unknown'; readonly idPrefix: string }
  /**
   * A request came with the token from before a rotation, although the new token had been used: two clients may have
   * the session. Requests that were in progress during the rotation can also cause it.
   */
  | { readonly type: 'token.reused'; readonly idPrefix: string }
  /**
   * A record cannot be read. `unknown-secret`: it is sealed with a secret that is not in `secrets`; other processes may
   * have that secret. `damaged`: its bytes were changed, or have another format. `schema`: the schema rejects it.
   * `newer-version`: a newer version of the app saved it (`migrate`). `migration`: `migrate.up` threw, or did not
   * return a plain object. With `newer-version` and `migration` the session is `unavailable` and the record is
   * unchanged.
   */
  | {
      readonly type: 'record.unreadable'
      readonly idPrefix: string
      readonly reason: 'unknown-secret' | 'damaged' | 'schema' | 'newer-version' | 'migration'
    }
  /** The store failed. `error` is what it rejected with. */
  | {
      readonly type: 'store.failed'
      readonly idPrefix: string
      readonly operation: 'load' | 'create' | 'save' | 'delete'
      readonly error: unknown
    }
  /** The record would have exceeded `maxBytes`: nothing was saved, and the commit rejects. */
  | { readonly type: 'session.too-large'; readonly idPrefix: string | null }
  /**
   * A key of `authKeys` was added to a session that kept its token: a client that already knew the token is now signed
   * in too. Call `session.signIn(subject)` or `session.renew()` in the same request.
   */
  | { readonly type: 'fixation.risk'; readonly idPrefix: string; readonly key: string }
  /** A browser sent the first proof of its key: the session is now bound to its device. */
  | { readonly type: 'device.bound'; readonly idPrefix: string }
  /**
   * A request for a session that is bound to a device had no fresh proof: it may come from another device. `skipped`:
   * the reason that the browser gives (`unreachable`, `server_error` or `quota_exceeded`), or `null`. A client can send
   * any reason, so do not trust it.
   */
  | {
      readonly type: 'device.stale'
      readonly idPrefix: string
      readonly skipped: 'unreachable' | 'server_error' | 'quota_exceeded' | null
    }
  /** A registration or refresh was refused. If the challenge was wrong, browsers try again with a new one. */
  | {
      readonly type: 'device.refused'
      readonly idPrefix: string | null
      readonly use: 'registration' | 'refresh'
      readonly reason: DeviceRefusal
    }
  /** The app's Cache-Control allowed a shared cache to keep a visitor's response; it was made stricter. */
  | { readonly type: 'cache.override' }
  /** The configuration works, but is weak. `what` says why, and what to do. */
  | { readonly type: 'warning'; readonly what: string }
  /** A commit ended. `tries`: the number of writes; more than one after conflicts. */
  | {
      readonly type: 'commit'
      readonly idPrefix: string | null
      readonly outcome: Outcome
      readonly tries: number
    }

export type OnEvent = (event: SessionEvent) => void

/** Wraps a listener so that it cannot break a request: errors and rejections are dropped. */
export function guard(onEvent: OnEvent): OnEvent {
  return (event) => {
    try {
      const heard: unknown = onEvent(event)
      // An async function fits `OnEvent`, and a rejection would end the process.
      if (heard) Promise.resolve(heard).catch(() => {})
    } catch {
      // A broken logger must not sign visitors out.
    }
  }
}

export function idPrefixOf(id: string): string {
  return id.slice(0, 8)
}
