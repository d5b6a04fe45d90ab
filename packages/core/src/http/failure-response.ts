import type { Failure } from '../rules/next-step.ts'

/** Gives another response than the handler's, or nothing to let the handler's go. */
export type OnFailure = (
  failure: Failure,
  response: Response,
) => Response | void | Promise<Response | void>

const retryAfterSeconds = 5

/** The default: a sign-in or a sign-out that was not done is not reported as done. */
export function answerFailure({ asked }: Failure): Response | void {
  if (asked === 'change') return
  const what = asked === 'sign-in' ? 'signed in' : 'signed out'
  return new Response(`You could not be ${what}. Please try again in a few seconds.\n`, {
    status: 503,
    headers: {
      'Retry-After': String(retryAfterSeconds),
      'Content-Type': 'text/plain; charset=utf-8',
    },
  })
}
