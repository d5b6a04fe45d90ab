/**
 * `ok`: as it should be. `note`: worth knowing. `warning`: sessions may be lost or exposed one day. `fault`: they are,
 * or the store cannot use the server.
 */
export type Level = 'ok' | 'note' | 'warning' | 'fault'

/** What was looked at. */
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

/** One thing that was found, in words. */
export interface Finding {
  readonly check: Check
  readonly level: Level
  /** What is so: one sentence or two. */
  readonly what: string
  /** What to do. `null`: nothing. */
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
