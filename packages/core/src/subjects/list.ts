import type { Address } from '../crypto/address.ts'
import { encodeBase64url } from '../crypto/base64url.ts'
import { encodeText } from '../crypto/encode-text.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { decodeFrame, encodeFrame } from '../data/frame.ts'
import type { Owner } from '../store/record.ts'
import type { Codec, Loaded, SealedStore } from '../store/sealed-store.ts'

/** One session of a subject. Times in milliseconds since 1970. */
export interface Listed {
  /** The session's id when it was last renewed or rotated. */
  readonly id: string
  readonly createdAt: number
  readonly renewedAt: number | null
  readonly label: string | null
}

/**
 * All sessions of one subject, by ref. A session that is tied to a subject counts only while it is in the
 * subject's list. So one write ends one, some or all of them, and a list that the store has lost ends them
 * too.
 */
export type SubjectList = ReadonlyMap<string, Listed>

export type ListStore = SealedStore<SubjectList>
export type LoadedList = Loaded<SubjectList>

export const emptyList: SubjectList = new Map()

const listFormat = 3

/** MessagePack of `[3, [ref, id, createdAt, renewedAt, label], …]`. */
export const listCodec: Codec<SubjectList> = {
  encode: (list) =>
    encodeFrame([
      listFormat,
      ...[...list].map(([ref, { id, createdAt, renewedAt, label }]) => [
        ref,
        id,
        createdAt,
        renewedAt,
        label,
      ]),
    ]),
  decode(bytes) {
    const frame = decodeFrame(bytes)
    if (frame === null || frame[0] !== listFormat) return null
    const entries = frame.slice(1).map(readEntry)
    return entries.includes(null) ? null : new Map(entries as [string, Listed][])
  },
}

function readEntry(entry: unknown): [string, Listed] | null {
  if (!Array.isArray(entry) || entry.length !== 5) return null
  const [ref, id, createdAt, renewedAt, label] = entry as unknown[]
  if (typeof ref !== 'string' || typeof id !== 'string') return null
  if (typeof createdAt !== 'number') return null
  if (renewedAt !== null && typeof renewedAt !== 'number') return null
  if (label !== null && typeof label !== 'string') return null
  return [ref, { id, createdAt, renewedAt, label }]
}

/** Leaves one session out; the same list if it is not in there. */
export function without(list: SubjectList, ref: string): SubjectList {
  return list.has(ref) ? new Map([...list].filter(([each]) => each !== ref)) : list
}

/**
 * Where a subject's lists may be: one place for each secret, newest first, since a list stays where it was
 * begun. An id is an HMAC of the subject, so that a leaked store does not tell who has sessions; without a
 * secret it is a hash.
 */
export async function listAddresses(
  keyring: Keyring,
  namespace: string,
  subject: string,
): Promise<readonly Address[]> {
  const macs = await keyring.authenticate(encodeText('subject', namespace, subject))
  return macs.map((mac) => listAddressOf({ subject, listId: encodeBase64url(mac) }))
}

/** Where the list is that a session was tied to. */
export function listAddressOf({ subject, listId }: Pick<Owner, 'subject' | 'listId'>): Address {
  return { id: listId, keyMaterial: `subject ${subject}` }
}
