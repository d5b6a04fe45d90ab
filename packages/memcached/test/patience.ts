let turned = 0
let lastTurn = performance.now()
const sinceTurn = () => Math.min(performance.now() - lastTurn, 10)

/**
 * A clock in milliseconds on which a turn of the event loop takes at most 10, so that time which a
 * busy machine takes away does not count.
 */
export function awake(): number {
  return turned + sinceTurn()
}

function turn(): void {
  turned += sinceTurn()
  lastTurn = performance.now()
  // Not an interval, which would run more than once in a turn while timers are late.
  setTimeout(() => setImmediate(turn).unref(), 5).unref()
}
turn()

/** Deadlines longer than any machine is busy, for commands that must be answered. */
export const patient = { deadline: 20_000, connectDeadline: 20_000 } as const

/** Tries five times: a busy machine may miss one deadline, but not five in a row. */
export function patiently<result>(call: () => Promise<result>): Promise<result> {
  return call().catch(call).catch(call).catch(call).catch(call)
}
