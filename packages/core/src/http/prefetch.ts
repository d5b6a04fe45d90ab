import type { CookieSource } from './transport.ts'

/**
 * Whether the request says that the visitor may never see the answer: by Sec-Purpose (Fetch standard), or by Purpose,
 * which browsers sent before.
 */
export function isPrefetch(source: CookieSource): boolean {
  if (source === null || typeof source !== 'object') return false
  const { headers } = source
  // What is no Request is refused where its cookie is read.
  if (typeof headers?.get !== 'function') return false
  return /^prefetch\b/.test(headers.get('Sec-Purpose') ?? headers.get('Purpose') ?? '')
}
