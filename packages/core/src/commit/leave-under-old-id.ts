import type { SessionAddress } from '../crypto/record-address.ts'
import { markAddressOf, markKeyOf } from '../crypto/token.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import type { Entry } from '../store/marks.ts'
import type { Owner } from '../store/record.ts'
import { isRecord } from '../store/marks.ts'
import type { CommitContext } from './context.ts'

/** How long an old token forwards to the new one after a rotation, in milliseconds. */
export const forwardLife = 15_000

/** How long a sign-out under an old token can find a session that a renewal moved, in milliseconds. */
export const markLife = 60_000

type Saved = 'saved' | 'conflict' | 'missing' | 'unavailable'

/**
 * Replaces the old record, under its version, with a forward to the new token, which reads and saves follow. Saved
 * without `ends`: if the new token were held back because replicas are down, visitors would lose their session with the
 * old token.
 */
export function leaveForward(
  { records, now }: CommitContext,
  { address, version }: LoadedSession,
  { token }: SessionAddress,
): Promise<Saved> {
  const until = now() + forwardLife
  return records.save(address, { kind: 'forward', token, until }, until, version)
}

/**
 * Replaces the old record, under its version, with a mark that holds the new id and no token. Only a sign-out follows
 * it.
 */
export async function leaveMovedMark(
  { records, namespace, now }: CommitContext,
  { address, version }: LoadedSession,
  { id, token }: SessionAddress,
  owner: Owner | null,
): Promise<Saved> {
  const until = now() + markLife
  const markKey = await markKeyOf(namespace, token)
  const place = markAddressOf(address.id, await markKeyOf(namespace, address.token))
  const mark = { kind: 'moved', id, markKey, owner, until } as const
  return records.save(place, mark, until, version, true)
}

/** Whether an entry is a forward or a moved mark to this address. */
export function leadsTo(entry: Entry, target: SessionAddress | null): boolean {
  if (isRecord(entry)) return false
  switch (entry.kind) {
    case 'forward':
      return entry.token === target?.token
    case 'moved':
      return entry.id === target?.id
  }
}
