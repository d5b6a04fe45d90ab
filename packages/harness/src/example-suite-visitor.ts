import { fillForm } from './example-suite-form.ts'

/** What the API says of a session. */
export interface SessionView {
  readonly state: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly setCookies: readonly string[]
  /** What became of the session, by `Server-Timing`; `null` when the answer does not say. */
  readonly outcome: string | null
  /** The body, as the API's. */
  readonly view: SessionView
}

/** Somebody with a browser that keeps cookies and does what forms say, without JavaScript. */
export interface Visitor {
  /** What it would send: `name=token`; empty for none. */
  readonly cookie: string
  /** One with the same cookies, which then go their own ways: what a slow request still has. */
  readonly copy: () => Visitor
  readonly get: (path: string) => Promise<Answer>
  /** Sends whatever it is told to. */
  readonly send: (
    method: string,
    path: string,
    body?: BodyInit,
    headers?: HeaderLines,
  ) => Promise<Answer>
  readonly session: () => Promise<Answer>
  readonly patch: (body: object, delay?: number) => Promise<Answer>
  readonly increment: (key: string, delay?: number) => Promise<Answer>
  readonly login: (user: string, delay?: number) => Promise<Answer>
  readonly logout: () => Promise<Answer>
  /** Loads the page, fills in the form that has this button, sends it, follows where it leads. */
  readonly submit: (button: string, value?: string) => Promise<Submitted>
}

export interface Submitted {
  /** The answer to the form. */
  readonly posted: Answer
  /** The page after it. */
  readonly page: Answer
}

type HeaderLines = Readonly<Record<string, string>>

export function createVisitor(url: string, cookies = new Map<string, string>()): Visitor {
  const send: Visitor['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(new URL(path, url), {
      method,
      ...(body === undefined ? {} : { body }),
      headers: cookies.size === 0 ? headers : { ...headers, Cookie: cookieHeader(cookies) },
      redirect: 'manual',
    })
    const answer = await read(response)
    for (const line of answer.setCookies) keep(cookies, line)
    return answer
  }
  const sendJson = (method: string, path: string, body: object): Promise<Answer> =>
    send(method, path, JSON.stringify(body), { 'Content-Type': 'application/json' })
  const get = (path: string): Promise<Answer> => send('GET', path)

  return {
    get cookie() {
      return cookieHeader(cookies)
    },
    copy: () => createVisitor(url, new Map(cookies)),
    get,
    send,
    session: () => get('/api/session'),
    patch: (body, delay = 0) => sendJson('PATCH', `/api/session?delay=${delay}`, body),
    increment: (key, delay = 0) =>
      send('POST', `/api/increment?key=${encodeURIComponent(key)}&delay=${delay}`),
    login: (user, delay = 0) => sendJson('POST', `/api/login?delay=${delay}`, { user }),
    logout: () => send('POST', '/api/logout'),
    async submit(button, value = '') {
      const { action, body } = fillForm((await get('/')).text, button, value)
      const sameOrigin = { Accept: 'text/html', Origin: url, 'Sec-Fetch-Site': 'same-origin' }
      const posted = await send('POST', new URL(action, `${url}/`).href, body, sameOrigin)
      return { posted, page: await get(posted.headers.get('Location') ?? '/') }
    },
  }
}

/** A visitor whose cookie is given, whatever it may be. */
export function visitorWith(url: string, cookie: string): Visitor {
  const equals = cookie.indexOf('=')
  return createVisitor(url, new Map([[cookie.slice(0, equals), cookie.slice(equals + 1)]]))
}

function cookieHeader(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
}

async function read(response: Response): Promise<Answer> {
  const { status, headers } = response
  const text = await response.text()
  const timing = headers.get('Server-Timing') ?? ''
  return {
    status,
    headers,
    text,
    setCookies: headers.getSetCookie(),
    outcome: /(?:^|,\s*)session;desc="([^"]*)"/.exec(timing)?.[1] ?? null,
    get view() {
      return JSON.parse(text) as SessionView
    },
  }
}

function keep(cookies: Map<string, string>, line: string): void {
  const { name, value, attributes } = parseSetCookie(line)
  const expires = Date.parse(attributes.get('expires') ?? '')
  const isOver = Number(attributes.get('max-age') ?? 1) <= 0 || expires < Date.now()
  if (isOver) cookies.delete(name)
  else cookies.set(name, value)
}

export interface ParsedCookie {
  readonly name: string
  readonly value: string
  /** By lower-case name; those without a value have the empty one. */
  readonly attributes: ReadonlyMap<string, string>
}

export function parseSetCookie(line: string): ParsedCookie {
  const [[name, value], ...attributes] = line.split(';').map(pairOf) as [Pair, ...Pair[]]
  return {
    name,
    value,
    attributes: new Map(attributes.map(([key, of]) => [key.toLowerCase(), of])),
  }
}

type Pair = readonly [string, string]

function pairOf(text: string): Pair {
  const equals = text.indexOf('=')
  if (equals < 0) return [text.trim(), '']
  return [text.slice(0, equals).trim(), text.slice(equals + 1).trim()]
}
