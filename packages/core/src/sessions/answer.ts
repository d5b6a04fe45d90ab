import type { Committed } from '../commit/committed.ts'
import type { OnFailure } from '../http/failure.ts'

/** The response that goes out: the one that `onFailure` chooses if there was a failure, with our headers. */
export async function answerWith(
  { failure, applyTo }: Committed,
  response: Response,
  onFailure: OnFailure,
): Promise<Response> {
  const other = failure && (await onFailure(failure, response))
  return applyTo(other ?? response)
}

/** By shape: a framework may bring its own class. */
export function isResponse(value: unknown): value is Response {
  const { status, headers } = (value ?? {}) as Partial<Response>
  return typeof status === 'number' && typeof headers?.append === 'function'
}
