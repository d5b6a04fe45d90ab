/** The response that a route handler means by throwing `redirect()`, `notFound()` and the like. */
export function responseOf(thrown: unknown): Response | null {
  const [kind, ...rest] = digestOf(thrown).split(';')
  if (kind === 'NEXT_HTTP_ERROR_FALLBACK') return new Response(null, { status: Number(rest[0]) })
  if (kind !== 'NEXT_REDIRECT') return null
  // NEXT_REDIRECT;replace;/where;307;
  const status = Number(rest.at(-2))
  const Location = rest.slice(1, -2).join(';')
  return new Response(null, { status, headers: { Location } })
}

/** Whether what was thrown is an answer and no failure. */
export function isAnswer(thrown: unknown): boolean {
  return responseOf(thrown) !== null
}

function digestOf(thrown: unknown): string {
  const { digest } = (thrown ?? {}) as { digest?: unknown }
  return typeof digest === 'string' ? digest : ''
}
