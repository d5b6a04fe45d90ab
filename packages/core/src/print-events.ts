import { isDamaged, isNewer, isSealedElsewhere, trustProxyRemedy } from './reasons.ts'
import type { OnEvent, SessionEvent } from './events.ts'

/** A store error, whose message contains no key, value or credential. */
interface StoreErrorLike {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
}

interface Line {
  /** Each kind is printed once. */
  readonly kind: string
  readonly text: string
}

/** More than the known kinds, because store errors may have any code. */
const maxKinds = 100

/**
 * Makes a listener that prints events about lost data and broken configuration, one line for each kind and process. A
 * line contains no token, id or value.
 */
export function createPrinter(print: (line: string) => void): OnEvent {
  const printed = new Set<string>()
  return (event) => {
    const line = lineOf(event)
    if (line === null || printed.has(line.kind) || printed.size >= maxKinds) return
    printed.add(line.kind)
    print(`coatcheck: ${line.text} (Printed once. Set onEvent to receive every event.)`)
  }
}

/** The core has no platform types, but every runtime has a console. */
const host = globalThis as { console?: { error?: (line: string) => void } }

/**
 * The default of `onEvent`. Prints events about lost data and broken configuration with `console.error`, one line for
 * each kind and process. Call it from your own listener to keep these lines.
 */
export const printOnce: OnEvent = createPrinter((line) => host.console?.error?.(line))

const unreadable: { readonly [reason: string]: string } = {
  'unknown-secret':
    `A session ${isSealedElsewhere}: it is not read here, and changes beside it are not ` +
    'saved. Give every process all secrets in use; if one was removed, change `namespace`.',
  damaged:
    `A stored session cannot be opened, and its visitor is signed out: ${isDamaged}. ` +
    'Check what else writes to the store.',
  schema:
    'The schema refuses a stored session, and its visitor is signed out. Let it accept earlier data.',
  'newer-version':
    `A session ${isNewer}, and is not read here. Nothing of it is lost. During a deploy set ` +
    'migrate.reads in the version before.',
  migration:
    'migrate.up threw for a stored session, which is not read. Nothing of it is lost: fix migrate.up.',
}

/** `null`: nothing is lost, or the app gets an error that says so. */
function lineOf(event: SessionEvent): Line | null {
  switch (event.type) {
    case 'store.failed':
      return storeFailed(event.error as StoreErrorLike | null)
    case 'record.unreadable':
      return { kind: event.reason, text: unreadable[event.reason] as string }
    case 'warning':
      return { kind: event.what, text: `${event.what}.` }
    case 'request.insecure':
      return {
        kind: event.type,
        text:
          'A request came over plain http: its session is neither read nor saved. Redirect to https; ' +
          `${trustProxyRemedy}.`,
      }
    case 'cookie.insecure':
      return {
        kind: event.type,
        text:
          'The session cookie was set over plain http, where browsers drop it. Use https; ' +
          'have a proxy that ends TLS send X-Forwarded-Proto.',
      }
    case 'fixation.risk':
      return {
        kind: event.type,
        text:
          'A key of authKeys was added to a session that keeps its token, so a client that knew it is signed in as ' +
          'well. Call session.signIn() or session.renew() in the same request.',
      }
    case 'commit':
      return event.outcome === 'conflict' ? conflict : null
    default:
      return null
  }
}

const conflict: Line = {
  kind: 'conflict',
  text: 'A change was lost: too many requests saved one session at once. Let fewer change it.',
}

function storeFailed(error: StoreErrorLike | null): Line | null {
  const code = typeof error?.code === 'string' ? error.code : 'unavailable'
  // The commit throws it, and the stored record is unchanged.
  if (code === 'too-large') return null
  return {
    kind: `store.failed ${code}`,
    text:
      `The session store failed (${reasonOf(error)}): sessions are not read, and logins and changes are lost until it ` +
      'answers. Check that it is up and reachable.',
  }
}

/** The message of a foreign error may contain anything, so it is not printed. */
function reasonOf(error: StoreErrorLike | null): string {
  if (error?.name === 'StoreError') return String(error.message)
  const code = typeof error?.code === 'string' ? ` ${error.code}` : ''
  return `${typeof error?.name === 'string' ? error.name : 'no error object'}${code}`
}
