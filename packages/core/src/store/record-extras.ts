import type { Device } from './device-key.ts'
import { decodeDevice, encodeDevice } from './device-key.ts'

/** Fields that few sessions have. A record without them spends no byte on them. */
interface Extras {
  /** Whether the cookie outlives the browser session, and `lifetime.persistent` applies. */
  readonly isPersistent?: boolean | undefined
  /** The version of the app's data shape. Default: 0. */
  readonly version?: number | undefined
  /** The device that the session is bound to, or that a sign-in offered to bind. */
  readonly device?: Device | undefined
  /** In a list: whether a device has proved that it holds the session's key. */
  readonly isBound?: boolean | undefined
}

export type RecordExtras = Omit<Extras, 'isBound'>

interface Frame {
  persistent?: unknown
  version?: unknown
  device?: unknown
  bound?: unknown
}

/** The last field in the frame of a record or list entry: a map, omitted if empty. */
export function encodeExtras(extras: Extras): readonly object[] {
  const { isPersistent, version = 0, device, isBound } = extras
  const frame: Frame = {}
  if (isPersistent === true) frame.persistent = true
  if (version > 0) frame.version = version
  if (device !== undefined) frame.device = encodeDevice(device)
  if (isBound === true) frame.bound = true
  return Object.keys(frame).length === 0 ? [] : [frame]
}

/** `null` if it is not in this format. */
export function readExtras(frame: unknown): Extras | null {
  if (frame === undefined) return {}
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) return null
  const { persistent, version, device, bound } = frame as Frame
  if (!isFlag(persistent) || !isFlag(bound)) return null
  if (version !== undefined && !isVersion(version)) return null
  const read = device === undefined ? undefined : decodeDevice(device)
  if (read === null) return null
  return {
    ...(persistent && { isPersistent: true }),
    ...(version !== undefined && { version }),
    ...(read && { device: read }),
    ...(bound && { isBound: true }),
  }
}

/** A flag is omitted if false. */
function isFlag(value: unknown): value is true | undefined {
  return value === undefined || value === true
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}
