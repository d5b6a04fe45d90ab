/** A client with a cookie jar, without JavaScript. */
export interface Visitor {
  readonly cookies: ReadonlyMap<string, string>
  readonly send: (method: string, path: string, options?: SendOptions) => Promise<Answer>
  readonly get: (path: string, headers?: HeaderLines) => Promise<Answer>
  readonly post: (path: string) => Promise<Answer>
  /** Loads a page, and presses a button of it. */
  readonly press: (path: string, button: string) => Promise<Answer>
  /** Loads a page, and gives what sends the form of a button of it. */
  readonly fill: (path: string, button: string) => Promise<() => Promise<Answer>>
  /** One with the same cookies, which then go their own ways. */
  readonly copy: () => Visitor
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The lines of Set-Cookie for our cookie. */
  readonly tickets: readonly string[]
  /** What the place found: the JSON in the body, or in the first `<pre>`. */
  readonly found: unknown
}

interface SendOptions {
  readonly headers?: HeaderLines
  readonly body?: BodyInit
}

type HeaderLines = Readonly<Record<string, string>>

/** The name that `NODE_ENV=test` has by default. */
export const cookieName = '__Host-Http-sid'

export function createVisitor(url: string, cookies = new Map<string, string>()): Visitor {
  const send: Visitor['send'] = async (method, path, { headers = {}, body } = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(new URL(path, url), {
      method,
      headers: cookie === '' ? headers : { Cookie: cookie, ...headers },
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
    })
    const text = await response.text()
    const lines = response.headers.getSetCookie()
    for (const line of lines) keep(cookies, line)
    return {
      status: response.status,
      headers: response.headers,
      text,
      tickets: lines.filter((line) => line.startsWith(`${cookieName}=`)),
      get found() {
        return JSON.parse(decode(/<pre[^>]*>([^<]*)<\/pre>/.exec(text)?.[1] ?? text))
      },
    }
  }
  const get: Visitor['get'] = (path, headers = {}) => send('GET', path, { headers })
  const fill: Visitor['fill'] = async (path, button) => {
    const { text } = await get(path)
    const forms = text.match(/<form\b[\s\S]*?<\/form>/g) ?? []
    const form = forms.find((markup) => markup.includes(`<button>${button}</button>`)) ?? ''
    const body = new FormData()
    for (const [, name = ''] of form.matchAll(/<input type="hidden" name="([^"]*)"/g))
      body.append(name, '')
    return () => send('POST', path, { body, headers: { Origin: url } })
  }
  return {
    cookies,
    send,
    get,
    post: (path) => send('POST', path),
    fill,
    press: async (path, button) => (await fill(path, button))(),
    copy: () => createVisitor(url, new Map(cookies)),
  }
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(/; */)
  const [name = '', value = ''] = pair.split('=')
  if (attributes.some((attribute) => isOver.test(attribute))) cookies.delete(name)
  else cookies.set(name, value)
}

function decode(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#x27;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&amp;', '&')
}

const isOver = /^(max-age=0|expires=thu, 01 jan 1970 .*)$/i
