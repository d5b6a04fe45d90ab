/** An object in Node; a number in runtimes without timer objects. */
export type IdleTimer = number | { readonly unref?: () => void; readonly refresh?: () => void }

/** A timer that does not keep the process alive. */
export function setIdleTimeout(onTime: () => void, milliseconds: number): IdleTimer {
  const timer = setTimeout(onTime, milliseconds) as IdleTimer
  if (typeof timer === 'object') timer.unref?.()
  return timer
}

export function clearIdleTimeout(timer: IdleTimer | undefined): void {
  clearTimeout(timer as number | undefined)
}

/** Restarts a timer with the same delay. */
export function restart(timer: IdleTimer, onTime: () => void, milliseconds: number): IdleTimer {
  if (typeof timer !== 'object' || timer.refresh === undefined) {
    return setIdleTimeout(onTime, milliseconds)
  }
  timer.refresh()
  return timer
}

/** Calls back after the event loop has polled its sockets once more. */
export function afterLook(act: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (act: () => void) => unknown }
  if (setImmediate === undefined) setTimeout(act)
  else setImmediate(act)
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds))
}

/** Does not keep the process alive. */
export function sleepIdly(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setIdleTimeout(resolve, milliseconds))
}
