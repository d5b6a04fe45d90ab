import type { Session } from '@coatcheck/core'

/** A request that cannot be served as it is. Its message is meant for whoever sent it. */
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
  return Response.json({ error: message }, { status })
}
