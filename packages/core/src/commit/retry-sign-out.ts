import type { SessionAddress } from '../crypto/record-address.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'

/** How often a sign-out that the store did not confirm is sent again: for about an hour. */
export const maxLogoutTries = 64

/** Milliseconds before the next try of a sign-out: after 1, 2, 4 … 60 seconds. `tries`: how many there were. */
function logoutRetryTime(tries: number): number {
  return Math.min(60, 2 ** tries) * 1000
}

/**
 * Tries a sign-out that the store has not confirmed again, after 1, 2, 4 … 60 seconds, until it is confirmed or the id is
 * refused no more.
 */
export async function retrySignOut(
  { refusedIds, waitIdly, release }: CommitContext,
  { id }: SessionAddress,
  endAgain: () => Promise<Written>,
): Promise<void> {
  for (let tries = 0; tries < maxLogoutTries && refusedIds.has(id); tries++) {
    await waitIdly(logoutRetryTime(tries))
    // A wrong set-up rejects; it may be mended before the last try.
    const written = await endAgain().catch(() => null)
    release()
    if (written !== null && written.outcome !== 'unconfirmed') break
  }
  refusedIds.delete(id)
}
