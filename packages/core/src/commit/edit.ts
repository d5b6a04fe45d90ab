import type { SessionAddress } from '../crypto/record-address.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import type { Blocks, Changes, Settle } from '../rules/diff-and-merge.ts'
import { merge, sameBlock } from '../rules/diff-and-merge.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { SignIn } from '../session/asked-for.ts'
import type { Device } from '../store/device-key.ts'
import type { SessionRecord } from '../store/record.ts'
import type { Settings } from '../settings/read-options.ts'
import { blankRecord, checkSize } from '../store/record.ts'

/** What one request asks the store to write. */
export interface Edit {
  /** The loaded data, and the changes of the handler. */
  readonly base: Blocks
  readonly changes: Changes
  /** Keys of the base whose values the handler took: no other request may have taken them. */
  readonly taken: ReadonlySet<string>
  /** The version of the loaded data. */
  readonly version: number | undefined
  /** The changes replayed onto the record that was loaded, or onto a blank one. */
  readonly record: SessionRecord
  /** A sign-in or `renew` was asked for. */
  readonly isRenewed: boolean
  /** The absolute lifetime starts again. */
  readonly restart: boolean
  readonly signIn: SignIn | null
  /** The root of a session that is created or renewed. */
  readonly root: Uint8Array
  /** Whether the handler asked for something. If not, the token is due for rotation, or used for the first time. */
  readonly isAsked: boolean
  /** The browser has sent the token for the first time since a rotation gave it out, at this time. */
  readonly usesToken: number | null
  /** What a sign-in offers to the browser, to bind the session to its device. */
  readonly offer?: Device | undefined
  readonly device?: DeviceChange | undefined
}

/** A change of the device that a session is bound to; it applies only if the device is as it was loaded. */
export interface DeviceChange {
  readonly from: Device
  readonly to: Device
}

/** The device is not as it was read: another request has used the challenge, or signed in. */
export class DeviceChanged extends Error {}

/** An edit of a session that was loaded. */
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
  /** Where the session is now, if a commit found it or put it there. */
  readonly address?: SessionAddress
  /** Set if the visitor gets the token of `address`: when its session began, for the cookie's age. */
  readonly createdAt?: number
  /** Then also: whether the cookie stays when the browser closes. */
  readonly isPersistent?: boolean | undefined
  /**
   * Set if no cookie may be set or deleted: another request's sign-in or renewal made the token of `address`, and this
   * visitor may be a thief who knows the old one; or the token of the request no longer works; or the request does not
   * count as a use of the session.
   */
  readonly keepsCookie?: true
}

/** A record that begins now, with these data, of the version that this app works with. */
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

/** Whether the handler has taken a value that was in the session. */
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

/** The record with what a sign-in adds to it, to check its size. */
function signedIn(record: SessionRecord, { signIn, offer }: Replayed): SessionRecord {
  if (signIn === null) return record
  return { ...record, owner: { subject: signIn.subject, listId: '', ref: '' }, device: offer }
}

function changed(device: Device | undefined, { from, to }: DeviceChange): Device {
  const isSame =
    device?.id === from.id && device.proofs === from.proofs && !device.key === !from.key
  if (isSame) return to
  throw new DeviceChanged()
}
