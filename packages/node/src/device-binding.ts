import type { Sessions } from '@coatcheck/core'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { sourceOf } from './source.ts'

/** The part of `createSessions(...)` that answers browsers that bind sessions. */
export type BindingSessions = Pick<Sessions<object>, 'deviceBinding'>

/** The parts of a request that the core reads, without a body. */
interface Asked extends IncomingMessage {
  /** Set by Express, where `url` lacks the path of the router. */
  readonly originalUrl?: string
}

/**
 * Middleware with `(request, response, next)` that answers browsers that bind a session to their device
 * (`deviceBound`), and calls `next` for every other request. Mount it before middleware that checks the origin of
 * requests or form tokens. In `node:http`: `bind(request, response, () => app(request, response))`.
 */
export function deviceBinding(
  sessions: BindingSessions,
): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void {
  return (request, response, next) => {
    const run = async (): Promise<void> => {
      let answer: Response | null
      try {
        answer = await answerBinding(sessions, request)
      } catch (error) {
        return next(error)
      }
      return answer === null ? next() : sendAnswer(answer, response)
    }
    void run()
  }
}

/** `null` for any other request. */
export function answerBinding(sessions: BindingSessions, request: Asked): Promise<Response | null> {
  const { headers } = sourceOf(request) as Request
  const { method = 'GET' } = request
  return sessions.deviceBinding({ url: urlOf(request), method, headers } as Request)
}

/** Clients can send any Host and any target. */
function urlOf(request: Asked): string {
  const { url } = sourceOf(request) as Request
  const target = request.originalUrl ?? request.url ?? '/'
  return URL.canParse(target, url) ? new URL(target, url).href : url
}

async function sendAnswer(answer: Response, response: ServerResponse): Promise<void> {
  const body = await answer.text()
  // A timeout of the app may have answered meanwhile; setting a header then would crash the process.
  if (response.headersSent) return
  response.statusCode = answer.status
  for (const [name, value] of answer.headers) {
    if (name === 'set-cookie') response.appendHeader(name, value)
    else response.setHeader(name, value)
  }
  response.end(body)
}
