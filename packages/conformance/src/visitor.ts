import type { Session, Sessions } from '@coatcheck/core'
import { createCookieJar, createVisitor as createClient } from '@coatcheck/testing'

type Data = Record<string, unknown>
type Handler = (session: Session<Data>) => void | Promise<void>

/** The result of one request. */
export interface Answer {
  readonly status: number
  /** The data at the end of the handler. */
  readonly data: unknown
  readonly state: string
  readonly setCookies: readonly string[]
}

/** A browser whose requests run the handlers of a test. */
export interface Visitor {
  /** The `Cookie` header of the next request: `name=token`; empty if there is no cookie. */
  readonly cookie: string
  /** Sends one request that runs this handler. */
  readonly visit: (handler: Handler) => Promise<Answer>
}

export function createVisitor(sessions: Sessions<Data>, cookie = ''): Visitor {
  const jar = createCookieJar(cookie)
  return {
    get cookie() {
      return jar.header
    },
    async visit(handler) {
      let text = ''
      const app = (request: Request): Promise<Response> =>
        sessions.handle(request, async (session) => {
          await handler(session)
          text = JSON.stringify({ data: session.data, state: session.state })
          return new Response(text)
        })
      // Not read from the response, which is replaced after a failed sign-in or sign-out.
      const response = await createClient(app, { jar }).fetch('/')
      const seen = JSON.parse(text) as { data: unknown; state: string }
      return { status: response.status, ...seen, setCookies: response.headers.getSetCookie() }
    },
  }
}

/** Adds 1 to `counter`, like the handler in Rack's specs. */
export function increment(session: Session<Data>): void {
  session.data['counter'] = ((session.data['counter'] as number | undefined) ?? 0) + 1
}

/** A promise to wait for, and the function that resolves it. */
export function createGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}
