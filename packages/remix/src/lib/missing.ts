/** Says for a context without a session what is missing where. */
export function explainMissing(context: unknown): string {
  const { get, set } = (context ?? {}) as Record<string, unknown>
  if (typeof get !== 'function' || typeof set !== 'function') return noMiddleware
  return 'router' in (context as object) ? inRemix3 : inReactRouter
}

const inReactRouter =
  'add `export const middleware = [sessionMiddleware(sessions)]` to app/root.tsx'

const inRemix3 = 'add sessionMiddleware(sessions) to createRouter({ middleware: [...] })'

/** React Router 7 without its flag, and Remix 2, hand out a plain object, or nothing. */
const noMiddleware =
  'React Router 7 runs middleware only with `future: { v8_middleware: true }` in ' +
  `react-router.config.ts; then ${inReactRouter}. In Remix 2 wrap the request handler of your ` +
  'server: withSession(sessions, createRequestHandler(build)); in remix-serve use sessionStorage(sessions)'
