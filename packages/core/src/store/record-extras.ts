import type { Device } from './device-key.ts'
import { decodeDevice, encodeDevice } from './device-key.ts'

/** What few sessions have. A record without it takes no byte for it. */
interface Extras {
  /** The cookie stays when the browser closes, and the session has the lifetime of those that are remembered. */
  readonly isPersistent?: boolean | undefined
  /** Which shape of the app's data it holds. Default: 0. */
  readonly version?: number | undefined
  /** The device that the session is bound to, or was offered to. */
  readonly device?: Device | undefined
  /** In a list: a device has proved that it holds the session's key. */
  readonly isBound?: boolean | undefined
}

export type RecordExtras = Omit<Extras, 'isBound'>

interface Frame {
  persistent?: unknown
  version?: unknown
  device?: unknown
  bound?: unknown
}

/** The last field of the frame of a record, or of an entry of a list: a map, and no field if it is empty. */
export function encodeExtras(extras: Extras): readonly object[] {
  const { isPersistent, version = 0, device, isBound } = extras
  const frame: Frame = {}
  if (isPersistent === true) frame.persistent = true
  if (version > 0) frame.version = version
  if (device !== undefined) frame.device = encodeDevice(device)
  if (isBound === true) frame.bound = true
  return Object.keys(frame).length === 0 ? [] : [frame]
}

/** `null`: it is not in this format. */
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

/** Left out if it is false. */
function isFlag(value: unknown): value is true | undefined {
  return value === undefined || value === true
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}
