import type { CookieJar } from '@coatcheck/testing'
import { createCookieJar, createVisitor as createClient } from '@coatcheck/testing'
import { fillForm } from './forms.ts'

/** A session as the API answers it. */
export interface SessionView {
  readonly state: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly setCookies: readonly string[]
  /** The outcome of the commit, from `Server-Timing`; `null` if the answer has none. */
  readonly outcome: string | null
  /** The body of an API answer, parsed. */
  readonly view: SessionView
}

/** A browser without JavaScript: keeps cookies and submits forms. */
export interface Visitor {
  /** The `Cookie` header of the next request: `name=token`; empty if there is no cookie. */
  readonly cookie: string
  /** A visitor with the same cookies, which from then on changes them independently. */
  readonly copy: () => Visitor
  readonly get: (path: string) => Promise<Answer>
  /** Sends any request. */
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
  /** Loads the page, fills in the form with this button, submits it and follows the redirect. */
  readonly submit: (button: string, value?: string) => Promise<Submitted>
}

export interface Submitted {
  /** The answer to the form. */
  readonly posted: Answer
  /** The page after it. */
  readonly page: Answer
}

type HeaderLines = Readonly<Record<string, string>>

/** `url`: the origin of the example. */
export function createVisitor(url: string, jar: CookieJar = createCookieJar()): Visitor {
  const client = createClient((request) => fetch(request), { origin: url, jar })
  const send: Visitor['send'] = async (method, path, body, headers = {}) =>
    read(await client.fetch(path, { method, headers, ...(body === undefined ? {} : { body }) }))
  const sendJson = (method: string, path: string, body: object): Promise<Answer> =>
    send(method, path, JSON.stringify(body), { 'Content-Type': 'application/json' })
  const get = (path: string): Promise<Answer> => send('GET', path)

  return {
    get cookie() {
      return client.cookie
    },
    copy: () => createVisitor(url, jar.copy()),
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
