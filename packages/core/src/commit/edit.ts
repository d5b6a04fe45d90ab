import type { SessionAddress } from '../crypto/record-address.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import type { Blocks, Changes, Settle } from '../rules/diff-and-merge.ts'
import { merge, sameBlock } from '../rules/diff-and-merge.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { SignIn } from '../session/asked-for.ts'
import type { Device } from '../store/device-key.ts'
import type { Owner, SessionRecord } from '../store/record.ts'
import type { Settings } from '../settings/read-options.ts'
import { blankRecord, checkSize } from '../store/record.ts'

/** What one request wants to write. */
export interface Edit {
  /** The loaded data, and the changes of the handler. */
  readonly base: Blocks
  readonly changes: Changes
  /** Keys of the base whose values the handler took; the edit fails if another request took or replaced one of them. */
  readonly taken: ReadonlySet<string>
  /** The version of the loaded data. */
  readonly version: number | undefined
  /** The changes replayed onto the loaded record, or onto a blank one. */
  readonly record: SessionRecord
  /** Whether the handler asked for a sign-in or `renew`. */
  readonly isRenewed: boolean
  /** Whether the absolute lifetime starts again. */
  readonly restart: boolean
  readonly signIn: SignIn | null
  /** The root of a session that is created or renewed. */
  readonly root: Uint8Array
  /** Whether the handler asked for a write. If not, the token is due for rotation or used for the first time. */
  readonly isAsked: boolean
  /** Set if the browser sent the token for the first time since a rotation issued it: the time of that rotation. */
  readonly usesToken: number | null
  /** The device binding that a sign-in offers to the browser. */
  readonly offer?: Device | undefined
  readonly device?: DeviceChange | undefined
}

/** A change of the session's device. It applies only if the device is still as it was loaded. */
export interface DeviceChange {
  readonly from: Device
  readonly to: Device
}

/** The device has changed since it was read: another request has used the challenge, or signed in. */
export class DeviceChanged extends Error {}

/** An edit of a loaded session. */
export interface Write {
  readonly step: 'save' | 'renew' | 'sign-in' | 'rotate'
  readonly edit: Edit
  readonly loaded: LoadedSession
  /** Rises with every load in this process. */
  readonly order: number
}

/** What a commit did to the store. */
export interface Written {
  readonly outcome: Outcome
  /** The number of writes. */
  readonly tries: number
  /** Where the session is now, if the commit found or moved it. */
  readonly address?: SessionAddress
  /** After a sign-in: the owner of the session at `address`. */
  readonly owner?: Owner | null
  /** Set if the visitor gets the token of `address`: when the session began, for the cookie's age. */
  readonly createdAt?: number
  /** Set like `createdAt`: whether the cookie outlives the browser session. */
  readonly isPersistent?: boolean | undefined
  /**
   * Set if no cookie may be set or deleted: the token of `address` comes from another request's sign-in or renewal, and
   * this visitor may be a thief who knows the old one; or the request's token no longer works; or the request does not
   * count as a use of the session.
   */
  readonly keepsCookie?: true
}

/** A new record with this data, at the app's data version. */
export function beginRecord(
  { migration }: Pick<Settings, 'migration'>,
  createdAt: number,
  root: Uint8Array,
  blocks: Blocks,
): SessionRecord {
  const record = { ...blankRecord(createdAt, root), blocks }
  return migration?.version ? { ...record, version: migration.version } : record
}

/**
 * An edit that can no longer be written. `taken`: another request has taken or replaced a value that the handler took.
 * `unavailable`: another request has saved data of another version, which cannot be merged.
 */
export class NotWritable extends Error {
  readonly outcome: 'taken' | 'unavailable'

  constructor(outcome: 'taken' | 'unavailable') {
    super(outcome)
    this.outcome = outcome
  }
}

type Replayed = Pick<
  Edit,
  'base' | 'changes' | 'taken' | 'usesToken' | 'version' | 'device' | 'signIn' | 'offer'
>

/** Whether the handler took a value that was in the session. */
export function hasTaken({ base, taken }: Pick<Edit, 'base' | 'taken'>): boolean {
  return [...taken].some((key) => base.has(key))
}

/** Replays an edit onto a record. Throws `NotWritable`, `too-large`, `merge-failed` or `unsupported-value`. */
export function replay(
  record: SessionRecord,
  edit: Replayed,
  { settle, maxBytes }: { readonly settle: Settle; readonly maxBytes: number },
): SessionRecord {
  const { base, changes, taken, usesToken, version, device: change } = edit
  if (record.version !== version) throw new NotWritable('unavailable')
  for (const key of taken) {
    const before = base.get(key)
    if (before !== undefined && !sameBlock(before, record.blocks.get(key)))
      throw new NotWritable('taken')
  }
  const blocks = merge(base, changes, record.blocks, settle)
  const isTokenUnused = record.isTokenUnused && record.rotatedAt !== usesToken
  const kept = { ...record, blocks, isTokenUnused, movingUntil: 0 }
  const replayed = change === undefined ? kept : { ...kept, device: changed(record.device, change) }
  checkSize(signedIn(replayed, edit), maxBytes, record)
  return replayed
}

/** The record with the fields that a sign-in adds, to check its size. */
function signedIn(record: SessionRecord, { signIn, offer }: Replayed): SessionRecord {
  if (signIn === null) return record
  return { ...record, owner: { subject: signIn.subject ?? '', listId: '', ref: '' }, device: offer }
}

function changed(device: Device | undefined, { from, to }: DeviceChange): Device {
  const isSame =
    device?.id === from.id && device.proofs === from.proofs && !device.key === !from.key
  if (isSame) return to
  throw new DeviceChanged()
}
