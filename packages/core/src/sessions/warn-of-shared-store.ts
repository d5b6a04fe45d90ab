import { warn } from '../check-option.ts'
import type { OnEvent } from '../events.ts'
import type { SessionStore } from '../store/store.ts'

/** Stores that are already used by sessions without a namespace. */
const used = new WeakSet<SessionStore>()

/**
 * Warns of two sessions objects that share a store and both lack a namespace, because each opens the other's sessions.
 * They may be the same app, recreated by a reload or a test; setting a namespace confirms that.
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
      'it was called before with this store and without a namespace, so each opens the sessions of the other: give ' +
        "each a namespace, or both the same one if they are one app ('default' is the default)",
    )
  }
  used.add(store)
}
