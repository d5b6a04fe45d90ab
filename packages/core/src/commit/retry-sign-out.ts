import type { SessionAddress } from '../crypto/record-address.ts'
import { logoutRetryTime, maxLogoutTries } from '../rules/retry-limits.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'

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
