import type { Failure } from '../rules/next-step.ts'

/** Returns a response to send instead of the handler's, or nothing to send the handler's. */
export type OnFailure = (
  failure: Failure,
  response: Response,
) => Response | void | Promise<Response | void>

/** Seconds. */
const retryAfter = '5'

const texts = {
  'sign-in': 'You could not be signed in',
  renewal: 'Your session could not be renewed',
  change: 'Your session could not be saved',
  'sign-out': 'You could not be signed out',
}

/**
 * The default of `onFailure`: 503 for a sign-in, renewal or sign-out that was not done; 409 or 503 if the handler took
 * a value that another request has or may get. Otherwise the handler's response is sent.
 */
export function answerFailure({ asked, outcome, hasTaken }: Failure): Response | void {
  const isOvertaken = outcome === 'gone' || outcome === 'moved'
  if (outcome === 'taken' || (asked === 'change' && hasTaken === true && isOvertaken))
    return answerText(takenText, 409)
  if (asked === 'change' && hasTaken !== true) return
  const retry = { 'Retry-After': retryAfter }
  return answerText(`${texts[asked]}. Please try again in a few seconds.\n`, 503, retry)
}

const takenText = 'Another request was faster. Please load the page again.\n'

function answerText(text: string, status: number, headers?: Record<string, string>): Response {
  return new Response(text, {
    status,
    headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' },
  })
}
