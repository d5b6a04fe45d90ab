import type { Failure } from '../rules/next-step.ts'

/** Gives another response than the handler's, or nothing to let the handler's go. */
export type OnFailure = (
  failure: Failure,
  response: Response,
) => Response | void | Promise<Response | void>

const retryAfterSeconds = 5

const texts = {
  'sign-in': 'You could not be signed in',
  renewal: 'Your session could not be renewed',
  'sign-out': 'You could not be signed out',
}

/** The default: a sign-in, a renewal or a sign-out that was not done is not reported as done. */
export function answerFailure({ asked }: Failure): Response | void {
  if (asked === 'change') return
  return new Response(`${texts[asked]}. Please try again in a few seconds.\n`, {
    status: 503,
    headers: {
      'Retry-After': String(retryAfterSeconds),
      'Content-Type': 'text/plain; charset=utf-8',
    },
  })
}
