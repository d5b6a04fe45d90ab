/**
 * Whether the runtime ends the sockets and timers of a request with it, in silence, and lets no other request use
 * them: workerd, of Cloudflare Workers. No capability tells: all the functions are there.
 */
export function isolatesRequests(): boolean {
  return globalThis.navigator?.userAgent === 'Cloudflare-Workers'
}

/** The variable of the environment; `undefined` also where the runtime does not let it be read (Deno). */
export function readVariable(name: string): string | undefined {
  try {
    return process.env[name]
  } catch {
    return undefined
  }
}

/** A timer that does not keep the process running. Some runtimes give a number, which has no `unref`. */
export function setIdleTimeout(onTime: () => void, milliseconds: number): NodeJS.Timeout {
  const timer = setTimeout(onTime, milliseconds)
  timer.unref?.()
  return timer
}
