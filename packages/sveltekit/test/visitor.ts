/** What comes back, with what SvelteKit says in it. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly cookies: readonly string[]
  /** What became of the session; `null`: nobody asked for it. */
  readonly outcome: string | null
}

export interface View {
  readonly id: string | null
  readonly state: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Somebody who keeps cookies. */
export interface Visitor {
  readonly cookie: () => string
  readonly copy: () => Visitor
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>
  /** Sends a form, as a browser without JavaScript does. */
  readonly post: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>
  /** The same as `use:enhance` does. */
  readonly enhance: (path: string) => Promise<Answer>
  /** What a client-side navigation asks for. */
  readonly data: (path: string) => Promise<Answer>
  readonly session: () => Promise<View>
  /** An answer whose body is read later. */
  readonly stream: (path: string) => Promise<{ readonly headers: Headers; readonly rest: () => Promise<string> }>
}

export function createVisitor(url: string, jar = new Map<string, string>()): Visitor {
  async function send(path: string, init: RequestInit & { headers?: Record<string, string> }) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { 'X-Forwarded-Proto': 'http', Accept: 'text/html', ...init.headers }
    const response = await fetch(new URL(path, url), {
      ...init,
      headers: cookie === '' ? headers : { ...headers, Cookie: cookie },
      redirect: 'manual',
    })
    for (const line of response.headers.getSetCookie()) keep(jar, line)
    return response
  }
  const post: Visitor['post'] = async (path, headers = {}) =>
    read(await send(path, { method: 'POST', body: new URLSearchParams({ a: '1' }), headers: { Origin: url, ...headers } }))

  return {
    cookie: () => jar.get('sid') ?? '',
    copy: () => createVisitor(url, new Map(jar)),
    get: async (path, headers = {}) => read(await send(path, { headers })),
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

/** The text of the element with this id; the page's own markup is plain. */
export function textOf(page: string, id: string): string {
  const text = new RegExp(`id="${id}">([^<]*)<`).exec(page)?.[1] ?? ''
  return text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&')
}
