import { addedKeyOf } from '../drive/web-site.ts'
import type { Route } from '../work.ts'
import type { Circumstances } from './contender.ts'
import { countAdded } from './session-data.ts'
import type { Data } from './session-data.ts'

/** A library's session during one request. */
export interface Held {
  /** Its data; `n` is undefined if there is no session. */
  readonly data: Readonly<Partial<Data>>
  /** Changes or adds keys. */
  readonly set: (changes: object) => unknown
  /** Gives it a new id, if the library can. */
  readonly renew: () => unknown
  readonly destroy: () => unknown
  /** Default: `new Response(text, { status })`. */
  readonly reply?: (text: string, status: 200 | 404) => Response
  /** Saves, and adds the cookie. Not called if the request only read. */
  readonly save: (response: Response) => Response | Promise<Response>
}

/** The application's response, for libraries that use Request and Response. */
export async function answerWith(
  route: Route,
  request: Request,
  held: Held,
  { newData, gate }: Circumstances,
): Promise<Response> {
  const reply = held.reply ?? newResponse
  const ok = (value: unknown) => reply(String(value), 200)
  if (route === 'untouched') return ok('ok')
  if (route === 'create') {
    await held.set(newData())
    return held.save(ok(0))
  }
  const { n } = held.data
  if (n === undefined) return reply('none', 404)
  switch (route) {
    case 'read':
      return ok(n)
    case 'keys':
      return ok(countAdded(held.data))
    case 'change':
      await held.set({ n: n + 1 })
      return held.save(ok(n + 1))
    case 'sign-in':
    case 'renew':
      await held.renew()
      await held.set({ user: 'account' })
      return held.save(ok('in'))
    case 'sign-out':
      await held.destroy()
      return held.save(ok('out'))
    case 'add':
      await held.set({ [addedKeyOf(request)]: 1 })
      return held.save(ok('added'))
    case 'hold':
      await gate()
      await held.set({ n: n + 1 })
      return held.save(ok(n + 1))
    case 'unasked':
      throw new Error('The session was asked for')
  }
}

const newResponse: NonNullable<Held['reply']> = (text, status) => new Response(text, { status })

/** Adds a `Set-Cookie` line to the response. */
export function withSetCookie(response: Response, line: string): Response {
  response.headers.append('set-cookie', line)
  return response
}

/** The value of one cookie, not decoded. */
export function cookieIn(request: Request, name: string): string | undefined {
  const pairs = request.headers.get('cookie')?.split('; ')
  return pairs?.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}
