import type { Failure, Session } from '@coatcheck/core'
import { SessionError } from '@coatcheck/core'

export function show({ state, data }: Pick<Session, 'state' | 'data'>, status = 200): Response {
  const headers = { 'Cache-Control': 'private, no-store' }
  return Response.json({ state, data }, { status, headers })
}

export function unavailable(): Response {
  return show({ state: 'unavailable', data: {} }, 503)
}

/**
 * A request that a sign-out or a sign-in overtook (`gone`, `moved`) answers as it saw the session.
 */
export function onFailure({ outcome }: Failure): Response | void {
  if (outcome !== 'gone' && outcome !== 'moved') return unavailable()
}

/** A response to throw. */
export function refusal(error: string, status = 400): Response {
  return Response.json({ error }, { status })
}

/** Answers a method that the route does not have. */
export function notAllowed(allow: string): Response {
  const error = `Use ${allow}`
  return Response.json({ error }, { status: 405, headers: { Allow: allow } })
}

/** The API accepts any value, so the core may refuse to save one: the sender's mistake. Otherwise `null`. */
export function refusalOf(error: unknown): Response | null {
  if (!(error instanceof SessionError) || error.status >= 500) return null
  return refusal(error.message, error.status)
}
