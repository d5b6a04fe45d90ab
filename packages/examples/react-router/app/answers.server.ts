import type { Session } from '@coatcheck/core'
import { SessionError } from '@coatcheck/core'

export function show({ state, data }: Pick<Session, 'state' | 'data'>, status = 200): Response {
  const headers = { 'Cache-Control': 'private, no-store' }
  return Response.json({ state, data }, { status, headers })
}

export function unavailable(): Response {
  return show({ state: 'unavailable', data: {} }, 503)
}

/** To be thrown. */
export function refusal(error: string, status = 400): Response {
  return Response.json({ error }, { status })
}

/** For a method that a route does not have. */
export function notAllowed(allow: string): Response {
  const error = `This answers to ${allow} only`
  return Response.json({ error }, { status: 405, headers: { Allow: allow } })
}

const statuses: Partial<Record<SessionError['code'], number>> = {
  'unsupported-value': 400,
  'too-large': 413,
  'merge-failed': 409,
}

/**
 * What the API lets people put in, the core may refuse to save: the sender's fault. Else `null`.
 */
export function refusalOf(error: unknown): Response | null {
  const status = error instanceof SessionError ? statuses[error.code] : undefined
  return status === undefined ? null : refusal((error as SessionError).message, status)
}
