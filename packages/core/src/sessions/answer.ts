import type { Committed } from '../commit/committed.ts'
import type { OnFailure } from '../http/failure-response.ts'
import { faultOf } from '../http/headers.ts'

/** The response that goes out: the one that `onFailure` chooses if there was a failure, with our headers. */
export async function answerWith(
  { failure, applyTo }: Committed,
  response: Response,
  onFailure: OnFailure,
): Promise<Response> {
  const other = (failure && (await onFailure(failure, response))) ?? response
  if (isResponse(other)) return applyTo(other)
  throw new TypeError(`onFailure ${noResponse}`)
}

const noResponse = 'must return a Response'

/** Why what the app returned cannot be answered with, and what to return in its place; `null`: it can. */
export function answerFault(answer: unknown): string | null {
  return isResponse(answer) ? faultOf(answer) : `The handler ${noResponse}`
}

/** By shape: a framework may bring its own class. */
export function isResponse(value: unknown): value is Response {
  const { status, headers } = (value ?? {}) as Partial<Response>
  return typeof status === 'number' && typeof headers?.append === 'function'
}
