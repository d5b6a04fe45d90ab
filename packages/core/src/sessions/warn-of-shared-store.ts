import { warn } from '../check-option.ts'
import type { OnEvent } from '../events.ts'
import type { SessionStore } from '../store/store.ts'

/** Stores that sessions without a namespace use already. */
const used = new WeakSet<SessionStore>()

/**
 * Tells of two sessions objects on one store object, if neither names its namespace: each opens the other's sessions.
 * The same program may be meant, made again by a reload or a test; a namespace says so.
 */
export function warnOfSharedStore(
  store: SessionStore,
  namespace: string | undefined,
  onEvent: OnEvent,
): void {
  if (namespace !== undefined) return
  if (used.has(store)) {
    warn(
      onEvent,
      'it was called before with this store, also without a namespace, so each opens the sessions of the other: give ' +
        "each a namespace of its own, or both the same one if they are one app ('default' is the default)",
    )
  }
  used.add(store)
}
