/** The response that a handler means by throwing `redirect()` or `notFound()`. Any other error is thrown on. */
export function responseOf(thrown: unknown): Response {
  const { digest } = (thrown ?? {}) as { digest?: unknown }
  const [kind, ...rest] = typeof digest === 'string' ? digest.split(';') : []
  if (kind === 'NEXT_HTTP_ERROR_FALLBACK') return new Response(null, { status: Number(rest[0]) })
  if (kind !== 'NEXT_REDIRECT') throw thrown
  // NEXT_REDIRECT;replace;/where;307;
  const status = Number(rest.at(-2))
  const Location = rest.slice(1, -2).join(';')
  return new Response(null, { status, headers: { Location } })
}
