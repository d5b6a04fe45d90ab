export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds))
}

/** On Node the timer is an object, and would keep the process alive. */
export function sleepIdly(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds) as { unref?: () => void } | number
    if (typeof timer === 'object') timer.unref?.()
  })
}
