/** Creates the sessions when the server starts, so that a wrong option is in the log before the first request. */
export function createAtStart(create: () => unknown): void {
  // Not in a build, which needs no secrets and no store, and not in tests of the app.
  const isServer = process.env.NEXT_RUNTIME === 'nodejs'
  if (!isServer || process.env['NEXT_PHASE'] === 'phase-production-build') return
  // The file of the app may define below what `create` uses.
  setImmediate(() => {
    try {
      create()
    } catch (error) {
      // oxlint-disable-next-line no-console
      console.error('coatcheck: every request that asks for its session will fail:', error)
    }
  })
}

/**
 * Says that `next dev` has compiled another function, but keeps the former sessions: only the app could close their
 * store. `seen`: the functions that were compared, which each bundle compiles anew.
 */
export function reportChange(seen: Set<string>, create: () => unknown): void {
  if (process.env.NODE_ENV !== 'development') return
  const text = String(create).replaceAll(/\w*__(TURBOPACK|WEBPACK)_[\w$]*/g, '')
  // oxlint-disable-next-line no-console
  if (seen.size > 0 && !seen.has(text)) console.warn(changed)
  seen.add(text)
}

const changed =
  'coatcheck: the function given to createNextSessions has changed, but next dev keeps the sessions that it has ' +
  'created. Restart it to use the new options. If two files call createNextSessions, they share one set of sessions: give ' +
  'each a name of its own, createNextSessions(create, { name })'
