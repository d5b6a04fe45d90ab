import type { Address, SessionAddress } from '../crypto/record-address.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'

/** How often an unconfirmed sign-out is retried: for about an hour. */
export const maxLogoutTries = 64

/** Milliseconds before the next try of a sign-out: after 1, 2, 4 … 60 seconds. `tries`: how many there were. */
function logoutRetryTime(tries: number): number {
  return Math.min(60, 2 ** tries) * 1000
}

/**
 * Retries a sign-out that the store has not confirmed, after 1, 2, 4 … 60 seconds, until it is confirmed or the id is
 * no longer refused. Until then, the id that the sign-out has reached (`at`) is refused too.
 */
export async function retrySignOut(
  { refusedIds, waitIdly, release }: CommitContext,
  { id }: SessionAddress,
  ending: { readonly at: Address },
  endAgain: () => Promise<Written>,
): Promise<void> {
  const refused = [id]
  for (let tries = 0; tries < maxLogoutTries && refusedIds.has(id); tries++) {
    if (refusedIds.add(ending.at.id)) refused.push(ending.at.id)
    await waitIdly(logoutRetryTime(tries))
    // A wrong set-up rejects; it may be corrected before the last try.
    const written = await endAgain().catch(() => null)
    release()
    if (written !== null && written.outcome !== 'unconfirmed') break
  }
  for (const each of refused) refusedIds.delete(each)
}
