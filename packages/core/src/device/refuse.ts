import type { DeviceRefusal } from '../rules/device-mode.ts'
import type { ChallengeUse } from './derive.ts'
import type { DeviceAccess } from './device-binding.ts'

/** The data of the event for a refusal. */
export interface Report {
  readonly access: DeviceAccess
  readonly use: ChallengeUse
  readonly idPrefix: string | null
}

/** Makes the browser forget the binding: it belongs to a session that has ended, or to the one before a sign-in. */
export function endTie(report: Report, reason: DeviceRefusal): Response {
  emit(report, reason)
  return respond(200, JSON.stringify({ continue: false }), { 'Content-Type': 'application/json' })
}

export function refuse(
  report: Report,
  reason: DeviceRefusal,
  status: number,
  headers: Record<string, string> = {},
): Response {
  emit(report, reason)
  const type = { 'Content-Type': 'text/plain; charset=utf-8' }
  return respond(status, `Device binding refused: ${reason}\n`, { ...type, ...headers })
}

function emit({ access, use, idPrefix }: Report, reason: DeviceRefusal): void {
  // Every refresh may begin by requesting a challenge.
  if (reason !== 'no-proof') access.onEvent({ type: 'device.refused', idPrefix, use, reason })
}

export function respond(status: number, body: string, headers: Record<string, string>): Response {
  return new Response(body, {
    status,
    headers: {
      'Cache-Control': 'private, no-store',
      'Cross-Origin-Resource-Policy': 'same-origin',
      ...headers,
    },
  })
}
