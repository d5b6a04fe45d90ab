/**
 * Whether the runtime ends the I/O and the timers of a request with it, in silence, and lets no other request wait for
 * them: workerd, of Cloudflare Workers. No capability tells: all the functions are there.
 */
export function isolatesRequests(): boolean {
  const { navigator } = globalThis as { navigator?: { readonly userAgent?: string } }
  return navigator?.userAgent === 'Cloudflare-Workers'
}

/** A variable of the environment; `undefined` also where there is none, or where it may not be read (Deno). */
export function readVariable(name: string): string | undefined {
  const host = globalThis as { process?: { env?: Record<string, string | undefined> } }
  try {
    return host.process?.env?.[name]
  } catch {
    return undefined
  }
}
