import { Decoder, Encoder } from '@msgpack/msgpack'
import { crypto } from '#crypto'
import { encodeBase64url } from '../crypto/base64url.ts'
import type { Owner } from '../store/record.ts'
import { noSecret } from '../crypto/seal.ts'
import type { Secret } from '../crypto/seal.ts'
import type { Identity } from '../crypto/token.ts'
import { encodeText } from '../crypto/token.ts'
import type { Codec, Loaded, Vault } from '../store/sealed-store.ts'
import { isWellFormed } from '../data/well-formed.ts'

/** One session of a subject. Times in milliseconds since 1970. */
export interface Listed {
  /** The session's id when it was last renewed or rotated. */
  readonly id: string
  readonly createdAt: number
  readonly renewedAt: number | null
  readonly label: string | null
}

/**
 * All sessions of one subject, by handle. It is the list of those that count: a session that is tied to a
 * subject and not in its list is over. So one write ends one, some or all of them, and a list that the
 * store has lost ends them too.
 */
export type SubjectList = ReadonlyMap<string, Listed>

export type ListVault = Vault<SubjectList>
export type LoadedList = Loaded<SubjectList>

const listFormat = 3
const encoder = new Encoder()
const decoder = new Decoder()

/** MessagePack of `[3, [handle, id, createdAt, renewedAt, label], …]`. */
export const listCodec: Codec<SubjectList> = {
  encode: (list) =>
    encoder.encode([
      listFormat,
      ...[...list].map(([handle, { id, createdAt, renewedAt, label }]) => [
        handle,
        id,
        createdAt,
        renewedAt,
        label,
      ]),
    ]),
  decode(bytes) {
    const frame = decodeFrame(bytes)
    if (!Array.isArray(frame) || frame[0] !== listFormat) return null
    const entries = (frame as unknown[]).slice(1).map(readEntry)
    return entries.includes(null) ? null : new Map(entries as [string, Listed][])
  },
}

function decodeFrame(bytes: Uint8Array): unknown {
  try {
    return isWellFormed(bytes) ? decoder.decode(bytes) : null
  } catch {
    return null
  }
}

function readEntry(entry: unknown): [string, Listed] | null {
  if (!Array.isArray(entry) || entry.length !== 5) return null
  const [handle, id, createdAt, renewedAt, label] = entry as unknown[]
  if (typeof handle !== 'string' || typeof id !== 'string') return null
  if (typeof createdAt !== 'number' || (renewedAt !== null && typeof renewedAt !== 'number'))
    return null
  if (label !== null && typeof label !== 'string') return null
  return [handle, { id, createdAt, renewedAt, label }]
}

/**
 * Where a subject's list is, for each secret in turn: an HMAC of the subject, so that a leaked store does not
 * tell who has sessions. With no secret, a hash.
 */
export async function identifyList(
  secret: Secret,
  namespace: string,
  subject: string,
): Promise<Identity> {
  const text = encodeText('subject', namespace, subject)
  const digest =
    secret.salt.length === 0 ? await crypto.sha256(text) : await crypto.hmac(secret.salt, text)
  return identifyOwned({ subject, listId: encodeBase64url(digest) })
}

/** Where a subject's lists may be: one for each secret, since a list stays where it was begun. */
export async function placesOf(
  secrets: readonly Secret[],
  namespace: string,
  subject: string,
): Promise<readonly Identity[]> {
  const all = secrets.length === 0 ? [noSecret] : secrets
  return Promise.all(all.map((secret) => identifyList(secret, namespace, subject)))
}

/** The same for a session that knows where its list is. */
export function identifyOwned({ subject, listId }: Pick<Owner, 'subject' | 'listId'>): Identity {
  return { id: listId, token: `subject ${subject}` }
}
