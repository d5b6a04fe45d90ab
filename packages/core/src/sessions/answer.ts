import type { Committed } from '../commit/committed.ts'
import type { OnFailure } from '../http/failure-response.ts'
import { faultOf } from '../http/headers.ts'

/** The final response: the handler's, or after a failure the one that `onFailure` chooses, with our headers added. */
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

/** Why the app's return value cannot be used as the response, and what to return instead; `null` if it can. */
export function answerFault(answer: unknown): string | null {
  return isResponse(answer) ? faultOf(answer) : `The handler ${noResponse}`
}

/** Duck-typed: a framework may bring its own Response class. */
export function isResponse(value: unknown): value is Response {
  const { status, headers } = (value ?? {}) as Partial<Response>
  return typeof status === 'number' && typeof headers?.append === 'function'
}
