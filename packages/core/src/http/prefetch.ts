import type { CookieSource } from './transport.ts'

/**
 * Whether the request is a prefetch, whose response the visitor may never see: by Sec-Purpose (Fetch standard), or by
 * Purpose, which browsers sent before.
 */
export function isPrefetch(source: CookieSource): boolean {
  if (source === null || typeof source !== 'object') return false
  const { headers } = source
  // Values that are not a Request are refused where the cookie is read.
  if (typeof headers?.get !== 'function') return false
  return /^prefetch\b/.test(headers.get('Sec-Purpose') ?? headers.get('Purpose') ?? '')
}
