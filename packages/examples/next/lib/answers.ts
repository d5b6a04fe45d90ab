import type { Session } from '@coatcheck/core'

/** A request that cannot be served as it is. Its message is for the client. */
export class Refusal extends Error {
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

export function show({ state, data }: Pick<Session, 'state' | 'data'>, status = 200): Response {
  return Response.json(
    { state, data },
    { status, headers: { 'Cache-Control': 'private, no-store' } },
  )
}

export function unavailable(): Response {
  return show({ state: 'unavailable', data: {} }, 503)
}

export function refuse({ message, status }: Refusal): Response {
  return explained(Response.json({ error: message }, { status }))
}

/** The core explains each commit. A response to a request that never asked for the session has none. */
export function explained(response: Response): Response {
  if (process.env['EXPLAIN'] === '1' && !response.headers.has('Server-Timing'))
    response.headers.set('Server-Timing', 'session;desc="unchanged"')
  return response
}
