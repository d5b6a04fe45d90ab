import type { AnswerKind } from './plan.ts'

/** The responses that an app keeps as constants: one object each for all requests of a run. */
export type SharedAnswers = Readonly<Record<Exclude<AnswerKind, 'unusable'>, Response>>

/** The app's cookie on the mutable response, which must be kept on every answer. */
export const themeCookie = 'theme=dark; Path=/'

export function createSharedAnswers(): SharedAnswers {
  return {
    plain: new Response(null, {
      status: 303,
      headers: {
        Location: '/',
        'Set-Cookie': themeCookie,
        Vary: 'Accept-Language',
        'Cache-Control': 'public, max-age=60',
      },
    }),
    // Its headers are immutable.
    fixed: Response.redirect('https://app.example/', 303),
    thrown: new Response(null, { status: 204 }),
  }
}

/** All headers of a response, as text. */
export function headersOf({ headers }: Response): string {
  return JSON.stringify([...headers])
}

/** A response that a handler returns by mistake and that cannot get headers. */
export function createUnusable(at: number): Response {
  if (at % 3 === 0) return undefined as unknown as Response
  if (at % 3 === 1) return Response.error()
  const read = new Response('text')
  read.body?.getReader()
  return read
}
