import type { Failure } from '../rules/next-step.ts'

/** Gives another response than the handler's, or nothing to let the handler's go. */
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
 * The default: a sign-in, a renewal or a sign-out that was not done is not reported as done, and a value that another
 * request has, or may still get, is not shown.
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
