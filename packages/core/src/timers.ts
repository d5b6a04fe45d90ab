/** An object of Node, or a number where the runtime has no objects for timers. */
export type IdleTimer = number | { readonly unref?: () => void; readonly refresh?: () => void }

/** A timer that does not keep the process running. */
export function setIdleTimeout(onTime: () => void, milliseconds: number): IdleTimer {
  const timer = setTimeout(onTime, milliseconds) as IdleTimer
  if (typeof timer === 'object') timer.unref?.()
  return timer
}

export function clearIdleTimeout(timer: IdleTimer | undefined): void {
  clearTimeout(timer as number | undefined)
}

/** The timer again, for the same time. */
export function restart(timer: IdleTimer, onTime: () => void, milliseconds: number): IdleTimer {
  if (typeof timer !== 'object' || timer.refresh === undefined) {
    return setIdleTimeout(onTime, milliseconds)
  }
  timer.refresh()
  return timer
}

/** Calls back when the event loop has looked at its sockets once more. */
export function afterLook(act: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (act: () => void) => unknown }
  if (setImmediate === undefined) setTimeout(act)
  else setImmediate(act)
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds))
}

/** Does not keep the process running. */
export function sleepIdly(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setIdleTimeout(resolve, milliseconds))
}
