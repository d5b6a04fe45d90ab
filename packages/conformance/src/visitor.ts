import type { Session, Sessions } from '@coatcheck/core'

type Data = Record<string, unknown>
type Handler = (session: Session<Data>) => void | Promise<void>

/** What a visit brought back. */
export interface Answer {
  readonly status: number
  /** What the handler saw at its end. */
  readonly data: unknown
  readonly state: string
  readonly setCookies: readonly string[]
}

/** A browser with one cookie. */
export interface Visitor {
  /** What it would send: `name=token`; empty for none. */
  cookie: string
  /** One request. The handler's Response says what it saw. */
  readonly visit: (handler: Handler) => Promise<Answer>
}

export function createVisitor(sessions: Sessions<Data>, cookie = ''): Visitor {
  const visitor: Visitor = {
    cookie,
    async visit(handler) {
      const headers = visitor.cookie === '' ? {} : { Cookie: visitor.cookie }
      const request = new Request('https://app.example/', { headers })
      const response = await sessions.handle(request, async (session) => {
        await handler(session)
        return Response.json({ data: session.data, state: session.state })
      })
      const setCookies = response.headers.getSetCookie()
      for (const line of setCookies) keep(visitor, line)
      const seen = (await response.json()) as { data: unknown; state: string }
      return { status: response.status, ...seen, setCookies }
    },
  }
  return visitor
}

function keep(visitor: Visitor, line: string): void {
  const [pair = ''] = line.split(';')
  visitor.cookie = line.includes('Max-Age=0') ? '' : pair
}

/** The handler that Rack's specs use: counts its calls. */
export function increment(session: Session<Data>): void {
  session.data['counter'] = ((session.data['counter'] as number | undefined) ?? 0) + 1
}

/** Something to wait for, and the way to end the wait. */
export function createGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: resolve }
}
