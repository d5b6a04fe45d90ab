import { fail } from './outcome-laws.ts'
import type { Timelines } from './timeline.ts'
import type { Heard, RequestLog, Run } from './run.ts'

/** Checks the emitted events. */
export function checkEvents(run: Run, timelines: Timelines): void {
  for (const heard of run.events) checkSecrecy(heard)
  for (const request of run.requests) checkReuse(run, timelines, request)
}

/** The length of a token, and of an id. */
const secretLength = 43

/** No event contains a token or a whole id. */
function checkSecrecy({ event }: Heard): void {
  for (const value of Object.values(event)) {
    if (typeof value === 'string' && value.length >= secretLength && event.type !== 'warning')
      throw new Error(`an event has a whole token or id: ${event.type}`)
  }
}

/** An old token that is used after the new one is reported, because two clients may have the session. */
function checkReuse({ events, requests }: Run, { moves }: Timelines, request: RequestLog): void {
  const { id, tokenId, state, startedAt, openedAt, plan } = request
  if (state !== 'live' || id === tokenId || id === null || tokenId === null) return
  if (!moves.some(({ kind, from, to }) => kind === 'forward' && from === tokenId && to === id))
    return
  const wasUsed = requests.some(
    (each) =>
      each.tokenId === id &&
      each.outcome === 'saved' &&
      each.plan.writes &&
      each.endedAt < startedAt,
  )
  const isReported = events.some(
    ({ step, process, event }) =>
      event.type === 'token.reused' &&
      process === plan.process &&
      step >= startedAt &&
      step <= openedAt &&
      tokenId.startsWith(event.idPrefix),
  )
  if (wasUsed && !isReported)
    fail(request, 'came by an old token after the new one was used, unreported')
}
