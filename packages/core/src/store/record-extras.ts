/** What few sessions have. A record without it takes no byte for it. */
export interface RecordExtras {
  /** The cookie stays when the browser closes, and the session has the lifetime of those that are remembered. */
  readonly isPersistent?: boolean | undefined
  /** Which shape of the app's data it holds. Default: 0. */
  readonly version?: number | undefined
}

interface Frame {
  persistent?: unknown
  version?: unknown
}

/** The last field of a record's frame: a map, and no field if it is empty. */
export function encodeExtras({ isPersistent, version = 0 }: RecordExtras): readonly object[] {
  const frame: Frame = {}
  if (isPersistent === true) frame.persistent = true
  if (version > 0) frame.version = version
  return Object.keys(frame).length === 0 ? [] : [frame]
}

/** `null`: it is not in this format. */
export function readExtras(frame: unknown): RecordExtras | null {
  if (frame === undefined) return {}
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) return null
  const { persistent, version } = frame as Frame
  if (persistent !== undefined && persistent !== true) return null
  if (version !== undefined && !isVersion(version)) return null
  return {
    ...(persistent === true ? { isPersistent: true } : {}),
    ...(version === undefined ? {} : { version }),
  }
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}
