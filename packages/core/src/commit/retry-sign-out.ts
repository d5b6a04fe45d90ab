import type { Address, SessionAddress } from '../crypto/record-address.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'

/** The number of retries of an unconfirmed sign-out: about an hour. */
export const maxLogoutTries = 64

/** Milliseconds before the next retry: 1, 2, 4 … 60 seconds. `tries`: the retries so far. */
function logoutRetryTime(tries: number): number {
  return Math.min(60, 2 ** tries) * 1000
}

/**
 * Retries a sign-out that the store has not confirmed, after 1, 2, 4 … 60 seconds, until it is confirmed or the id is
 * no longer refused. Meanwhile, the id that the sign-out has reached (`at`) is refused too.
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
    // A configuration error rejects; it may be corrected before the last retry.
    const written = await endAgain().catch(() => null)
    release()
    if (written !== null && written.outcome !== 'unconfirmed') break
  }
  for (const each of refused) refusedIds.delete(each)
}
