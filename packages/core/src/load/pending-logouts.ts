import type { Identity } from '../crypto/token.ts'

export interface Denials {
  /** Refuses an id from now on, in this process, and goes on trying to end its session. */
  readonly add: (identity: Identity) => void
  readonly has: (id: string) => boolean
}

/** An id is refused for at most this many tries: about an hour. */
export const maxDenialTries = 64
/** No more than this many at once; the oldest go first. */
const maxDenials = 10_000

/**
 * Logouts that the store did not confirm. `end` is tried again after 1, 2, 4 … 60 seconds; until it is done
 * the id is refused here. A promise for as long as this process lives, and no longer.
 */
export function createDenials(
  end: (identity: Identity) => Promise<boolean>,
  wait: (milliseconds: number) => Promise<void>,
): Denials {
  const denied = new Set<string>()

  async function insist(identity: Identity): Promise<void> {
    for (let tries = 0; tries < maxDenialTries && denied.has(identity.id); tries++) {
      await wait(Math.min(60, 2 ** tries) * 1000)
      if (await end(identity)) break
    }
    denied.delete(identity.id)
  }

  return {
    add(identity) {
      if (denied.has(identity.id)) return
      for (const oldest of denied) {
        if (denied.size < maxDenials) break
        denied.delete(oldest)
      }
      denied.add(identity.id)
      void insist(identity).catch(() => denied.delete(identity.id))
    },
    has: (id) => denied.has(id),
  }
}
