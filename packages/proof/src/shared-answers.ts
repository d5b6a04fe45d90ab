import type { AnswerKind } from './plan.ts'

/** The responses that an app has as constants: each is one object for all requests of a run. */
export type SharedAnswers = Readonly<Record<Exclude<AnswerKind, 'unusable'>, Response>>

/** What the app has set on the response that it may change, and what has to be on every answer. */
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
    // Its headers refuse every change.
    fixed: Response.redirect('https://app.example/', 303),
    thrown: new Response(null, { status: 204 }),
  }
}

/** All headers of a response, as text. */
export function headersOf({ headers }: Response): string {
  return JSON.stringify([...headers])
}

/** Something that a handler returns by mistake, and that no header can be added to. */
export function createUnusable(at: number): Response {
  if (at % 3 === 0) return undefined as unknown as Response
  if (at % 3 === 1) return Response.error()
  const read = new Response('text')
  read.body?.getReader()
  return read
}
