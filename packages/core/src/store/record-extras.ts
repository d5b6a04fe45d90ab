/** What few sessions have. A record without it takes no byte for it. */
export interface RecordExtras {
  /** The cookie stays when the browser closes, and the session has the lifetime of those that are remembered. */
  readonly isPersistent?: boolean | undefined
}

interface Frame {
  readonly persistent?: unknown
}

/** The last field of a record's frame: a map, and no field if it is empty. */
export function encodeExtras({ isPersistent = false }: RecordExtras): readonly object[] {
  const frame: Frame = isPersistent ? { persistent: true } : {}
  return Object.keys(frame).length === 0 ? [] : [frame]
}

/** `null`: it is not in this format. */
export function readExtras(frame: unknown): RecordExtras | null {
  if (frame === undefined) return {}
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) return null
  const { persistent } = frame as Frame
  if (persistent !== undefined && persistent !== true) return null
  return persistent === true ? { isPersistent: true } : {}
}
