import type { Address } from '../crypto/record-address.ts'
import { encodeBase64url } from '../crypto/base64url.ts'
import { encodeText } from '../crypto/encode-text.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { decodeFrame, encodeFrame, memoryOf } from '../data/record-frame.ts'
import type { Lifetime } from '../rules/lifetime.ts'
import { hasEnded, lifetimeOf } from '../rules/lifetime.ts'
import type { Owner } from '../store/record.ts'
import { encodeExtras, readExtras } from '../store/record-extras.ts'
import type { Codec, Loaded, SealedStore } from '../store/sealed-store.ts'

/** One session of a subject. Times in milliseconds since 1970. */
export interface Listed {
  readonly createdAt: number
  readonly renewedAt: number | null
  /** When it was last used, accurate to a quarter of the idle time. */
  readonly seenAt: number
  readonly label: string | null
  /** Whether it has the lifetime of remembered sessions (`lifetime.persistent`). */
  readonly isPersistent?: boolean | undefined
  /** Whether a device has proved that it holds the session's key. */
  readonly isBound?: boolean | undefined
}

/**
 * All sessions of one subject, by ref. A session with a subject counts only while it is in the subject's list. So one
 * write ends one, several or all of them, and losing the list ends them all.
 */
export type SubjectList = ReadonlyMap<string, Listed>

export type ListStore = SealedStore<SubjectList>
export type LoadedList = Loaded<SubjectList>

export const emptyList: SubjectList = new Map()

const listFormat = 6

/**
 * MessagePack of `[6, [ref, createdAt, renewedAt, seenAt, label, extras], …]`. `extras` is a map of optional fields,
 * omitted if empty.
 */
export const listCodec: Codec<SubjectList> = {
  reusesIds: true,
  memoryOf: (list) => memoryOf(list.size),
  asDecoded: (list) => list,
  encode: (list) =>
    encodeFrame([
      listFormat,
      ...[...list].map(([ref, listed]) => [
        ref,
        listed.createdAt,
        listed.renewedAt,
        listed.seenAt,
        listed.label,
        ...encodeExtras(listed),
      ]),
    ]),
  decode(bytes) {
    const frame = decodeFrame(bytes)
    if (frame === null || frame[0] !== listFormat) return null
    const entries = frame.slice(1).map(readListed)
    return entries.includes(null) ? null : new Map(entries as [string, Listed][])
  },
}

function readListed(entry: unknown): [string, Listed] | null {
  if (!Array.isArray(entry) || entry.length < 5 || entry.length > 6) return null
  const [ref, createdAt, renewedAt, seenAt, label, extras] = entry as unknown[]
  if (typeof ref !== 'string') return null
  if (typeof createdAt !== 'number' || typeof seenAt !== 'number') return null
  if (renewedAt !== null && typeof renewedAt !== 'number') return null
  if (label !== null && typeof label !== 'string') return null
  const more = readExtras(extras)
  return more && [ref, { createdAt, renewedAt, seenAt, label, ...more }]
}

/** Whether a session may still exist according to its list. */
export function isAlive(listed: Listed, lifetimes: Lifetime, now: number): boolean {
  const { createdAt, seenAt, isPersistent } = listed
  const lifetime = lifetimeOf(lifetimes, isPersistent)
  const quarter = lifetime.idle / 4
  return !hasEnded(lifetime, createdAt, now) && now < seenAt + lifetime.idle + quarter
}

/** Whether the use of the session should be recorded in the list. */
export function isSeenDue(listed: Listed, lifetime: Lifetime, now: number): boolean {
  return now - listed.seenAt >= lifetimeOf(lifetime, listed.isPersistent).idle / 4
}

/** The list without one session; the same list if that session is not in it. */
export function without(list: SubjectList, ref: string): SubjectList {
  return list.has(ref) ? new Map([...list].filter(([each]) => each !== ref)) : list
}

/**
 * The possible addresses of a subject's list: one for each secret, newest first, since a list stays where it was
 * created. The id is an HMAC of the subject, so that a leaked store does not reveal who has sessions; without a secret
 * it is a hash.
 */
export async function listAddresses(
  keyring: Keyring,
  namespace: string,
  subject: string,
): Promise<readonly Address[]> {
  const macs = await keyring.authenticate(encodeText('subject', namespace, subject))
  return macs.map((mac) => listAddressOf({ subject, listId: encodeBase64url(mac) }))
}

/** The address of the list that a session was added to. */
export function listAddressOf({ subject, listId }: Pick<Owner, 'subject' | 'listId'>): Address {
  return { id: listId, keyMaterial: `subject ${subject}` }
}
