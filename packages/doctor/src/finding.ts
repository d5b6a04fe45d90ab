/**
 * `ok`: no problem. `note`: worth knowing. `warning`: sessions may be lost or exposed later. `fault`: sessions are lost
 * or exposed, or the store cannot use the server.
 */
export type Level = 'ok' | 'note' | 'warning' | 'fault'

/** The name of a check. */
export type Check =
  | 'store'
  | 'version'
  | 'protocols'
  | 'login'
  | 'tls'
  | 'cas'
  | 'item size'
  | 'connections'
  | 'evictions'
  | 'memory'
  | 'exposure'
  | 'clock'
  | 'round trip'
  | 'uptime'
  | 'servers'

/** One result of a check, in words. */
export interface Finding {
  readonly check: Check
  readonly level: Level
  /** What was found, in one or two sentences. */
  readonly what: string
  /** What to do; `null` if there is nothing to do. */
  readonly todo: string | null
}

export function found(
  check: Check,
  level: Level,
  what: string,
  todo: string | null = null,
): Finding {
  return { check, level, what, todo }
}

const order: readonly Level[] = ['ok', 'note', 'warning', 'fault']

export function worstOf(findings: readonly Finding[]): Level {
  const worst = Math.max(0, ...findings.map(({ level }) => order.indexOf(level)))
  return order[worst] as Level
}
