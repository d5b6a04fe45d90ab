/** A response, and what Coatcheck reports in it. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly cookies: readonly string[]
  /** The outcome of the commit; `null`: the session was not asked for. */
  readonly outcome: string | null
}

export interface View {
  readonly id: string | null
  readonly state: string
  readonly data: Readonly<Record<string, unknown>>
}

type HeaderLines = Readonly<Record<string, string>>

/** A client that keeps cookies. */
export interface Visitor {
  readonly cookie: () => string
  readonly copy: () => Visitor
  readonly get: (path: string, headers?: HeaderLines) => Promise<Answer>
  /** Sends a form, as a browser without JavaScript does. */
  readonly post: (path: string, headers?: HeaderLines, fields?: HeaderLines) => Promise<Answer>
  /** Sends a form as `use:enhance` does. */
  readonly enhance: (path: string) => Promise<Answer>
  /** Requests the data of a page, as a client-side navigation does. */
  readonly data: (path: string) => Promise<Answer>
  readonly session: () => Promise<View>
  /** A response whose body is read later. */
  readonly stream: (
    path: string,
  ) => Promise<{ readonly headers: Headers; readonly rest: () => Promise<string> }>
}

export function createVisitor(url: string, jar = new Map<string, string>()): Visitor {
  async function send(path: string, lines: HeaderLines, form?: URLSearchParams): Promise<Response> {
    const headers = new Headers({ 'X-Forwarded-Proto': 'http', Accept: 'text/html', ...lines })
    if (jar.size > 0)
      headers.set('Cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    const init = form === undefined ? {} : { method: 'POST', body: form }
    const response = await fetch(new URL(path, url), { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) keep(jar, line)
    return response
  }
  const post: Visitor['post'] = async (path, headers = {}, fields = { a: '1' }) =>
    read(await send(path, { Origin: url, ...headers }, new URLSearchParams(fields)))

  return {
    cookie: () => jar.get('sid') ?? '',
    copy: () => createVisitor(url, new Map(jar)),
    get: async (path, headers = {}) => read(await send(path, headers)),
    post,
    enhance: (path) => post(path, { Accept: 'application/json', 'X-SvelteKit-Action': 'true' }),
    data: async (path) => {
      const [pathname, query = ''] = path.split('?')
      return read(await send(`${pathname === '/' ? '' : pathname}/__data.json?${query}`, {}))
    },
    session: async () => (await send('/api/session', {})).json() as Promise<View>,
    stream: async (path) => {
      const response = await send(path, {})
      return { headers: response.headers, rest: () => response.text() }
    },
  }
}

async function read(response: Response): Promise<Answer> {
  const { status, headers } = response
  const timing = headers.get('Server-Timing') ?? ''
  return {
    status,
    headers,
    text: await response.text(),
    cookies: headers.getSetCookie(),
    outcome: /session;desc="(\w+)"/.exec(timing)?.[1] ?? null,
  }
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = ''] = line.split(';')
  const equals = pair.indexOf('=')
  const name = pair.slice(0, equals)
  if (/; *max-age=0/i.test(line)) jar.delete(name)
  else jar.set(name, pair.slice(equals + 1))
}

/** The text of the element with this id, which has no other elements inside. */
export function textOf(page: string, id: string): string {
  const text = new RegExp(`id="${id}">([^<]*)<`).exec(page)?.[1] ?? ''
  return text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&')
}
