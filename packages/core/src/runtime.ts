/**
 * Whether the runtime silently cancels the I/O and timers of a request when it ends, and lets no other request wait for
 * them: workerd (Cloudflare Workers). This cannot be feature-detected, because all the functions exist.
 */
export function isolatesRequests(): boolean {
  const { navigator } = globalThis as { navigator?: { readonly userAgent?: string } }
  return navigator?.userAgent === 'Cloudflare-Workers'
}

/** An environment variable; `undefined` also if there is no environment or it may not be read (Deno). */
export function readVariable(name: string): string | undefined {
  const host = globalThis as { process?: { env?: Record<string, string | undefined> } }
  try {
    return host.process?.env?.[name]
  } catch {
    return undefined
  }
}
