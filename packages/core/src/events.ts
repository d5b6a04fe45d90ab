import type { DeviceRefusal } from './rules/device-mode.ts'
import type { Outcome } from './rules/next-step.ts'

/**
 * What an operator may want to count, log or alert on. `idPrefix` is the first 8 characters of the session's
 * id: enough to follow a session through a log, and useless to an attacker. No event carries a token, a whole
 * id or a value.
 */
export type SessionEvent =
  /** The session cookie is not a valid token; the store was not queried. */
  | { readonly type: 'token.malformed' }
  /** The request has two different session cookies; both were ignored. A sibling domain may be setting one. */
  | { readonly type: 'token.duplicate' }
  /** A request came over plain http in production, with `secure: 'per-request'`: its session is `unavailable`. */
  | { readonly type: 'request.insecure' }
  /**
   * The cookie, which has Secure, was set on a response to a request over plain http, in production: browsers drop it.
   * Not said of localhost, `*.localhost` and 127.0.0.1, nor of requests that were opened by their `Cookie` header alone. A
   * proxy that ends TLS has to send `X-Forwarded-Proto: https`, or it is said of requests that came over https.
   */
  | { readonly type: 'cookie.insecure' }
  /** A token that the store does not know: ended, expired, evicted, or invented. */
  | { readonly type: 'token.unknown'; readonly idPrefix: string }
  /**
   * An old token came after the browser had sent the new one that a rotation gave it: two clients may hold the
   * session. Requests that were under way during the rotation cause it as well.
   */
  | { readonly type: 'token.reused'; readonly idPrefix: string }
  /**
   * A record that cannot be read. `unknown-secret`: it is sealed with a secret that is not in `secrets`; other
   * processes may have it. `damaged`: changed, or of another format. `schema`: refused by the schema. `newer-version`:
   * saved by a newer version of the app (`migrate`). `migration`: `migrate.up` has thrown for it, or returned no plain object. Of the last two the
   * session is `unavailable`, and its record stays.
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
  /** The session would have passed `maxBytes`: nothing was saved, and the commit throws. */
  | { readonly type: 'session.too-large'; readonly idPrefix: string | null }
  /**
   * A key of `authKeys` was added to a session that kept its token: a client that knew the token before is
   * signed in too. Call `session.signIn(subject)` or `session.renew()` in the same request.
   */
  | { readonly type: 'fixation.risk'; readonly idPrefix: string; readonly key: string }
  /** A browser has given the first proof of its key: the session is bound to its device. */
  | { readonly type: 'device.bound'; readonly idPrefix: string }
  /**
   * A request of a session that is bound to a device carried no fresh proof: it may come from another device.
   * `skipped`: why the browser says that it sent none (`unreachable`, `server_error` or `quota_exceeded`; anyone can say
   * so), or `null`.
   */
  | {
      readonly type: 'device.stale'
      readonly idPrefix: string
      readonly skipped: 'unreachable' | 'server_error' | 'quota_exceeded' | null
    }
  /** A registration or a refresh was refused. A browser repeats one whose challenge did not fit, with the new one. */
  | {
      readonly type: 'device.refused'
      readonly idPrefix: string | null
      readonly use: 'registration' | 'refresh'
      readonly reason: DeviceRefusal
    }
  /** The app's Cache-Control would have let a shared cache keep a visitor's response; it was made stricter. */
  | { readonly type: 'cache.override' }
  /** The configuration works but is weaker than it should be. `what` says why, and what to do. */
  | { readonly type: 'warning'; readonly what: string }
  /** A commit ended. `tries`: how many writes it took; more than one after conflicts. */
  | {
      readonly type: 'commit'
      readonly idPrefix: string | null
      readonly outcome: Outcome
      readonly tries: number
    }

export type OnEvent = (event: SessionEvent) => void

/** A listener that cannot break a request: what it throws is dropped, and so is what it rejects with. */
export function guard(onEvent: OnEvent): OnEvent {
  return (event) => {
    try {
      const heard: unknown = onEvent(event)
      // An async function fits `OnEvent`, and a rejection would end the process.
      if (heard) Promise.resolve(heard).catch(() => {})
    } catch {
      // A broken logger must not sign anyone out.
    }
  }
}

export function idPrefixOf(id: string): string {
  return id.slice(0, 8)
}
