import type { Outcome } from './rules/next-step.ts'

/**
 * What an operator may want to count, log or be woken by. `handle` is the beginning of the session's id:
 * enough to follow a session through a log, of no use to anybody else. No event carries a token, an id or
 * a value.
 */
export type SessionEvent =
  /** A cookie of ours holds what is no token. No trip was made. */
  | { readonly type: 'token.malformed' }
  /** Two cookies of our name came; both were ignored. A sibling domain may be setting one. */
  | { readonly type: 'token.duplicate' }
  /** A request came over plain http in production, with `secure: 'per-request'`: its session is `unavailable`. */
  | { readonly type: 'request.insecure' }
  /** A token that the store does not know: ended, expired, evicted, or invented. */
  | { readonly type: 'token.unknown'; readonly handle: string }
  /** A record that is not ours to read: changed, sealed by another secret, or refused by the schema. */
  | {
      readonly type: 'record.unreadable'
      readonly handle: string
      readonly reason: 'damaged' | 'schema'
    }
  /** The store failed. `error` is what it rejected with. */
  | {
      readonly type: 'store.failed'
      readonly handle: string
      readonly operation: 'load' | 'create' | 'save' | 'delete'
      readonly error: unknown
    }
  /** The session would have passed `maxBytes`: nothing was saved, and the commit throws. */
  | { readonly type: 'session.too-large'; readonly handle: string | null }
  /**
   * A key of `authKeys` came into a session that kept its token: whoever knew the token before the login is
   * signed in too. Call `session.renew()`, or set `session.subject`, in the same request.
   */
  | { readonly type: 'fixation.risk'; readonly handle: string; readonly key: string }
  /** The app's own Cache-Control would have let others see a visitor's answer, and was made stricter. */
  | { readonly type: 'cache.override' }
  /** The set-up works, but is weaker than it should be. `what` says how, and what to do. */
  | { readonly type: 'warning'; readonly what: string }
  /** A commit ended. `tries`: how often it wrote, more than once after conflicts. */
  | {
      readonly type: 'commit'
      readonly handle: string | null
      readonly outcome: Outcome
      readonly tries: number
    }

export type OnEvent = (event: SessionEvent) => void

/** A listener that cannot break a request: what it throws is dropped. */
export function guard(onEvent: OnEvent | undefined): OnEvent {
  if (onEvent === undefined) return () => {}
  return (event) => {
    try {
      onEvent(event)
    } catch {
      // A broken logger must not log anybody out.
    }
  }
}

export function handleOf(id: string): string {
  return id.slice(0, 8)
}
