import type { NextRequest } from 'next/server.js'
import { NextResponse } from 'next/server.js'
import type { Cookie } from '@coatcheck/core'
import { bodyArrived } from './incoming.ts'
import type { HandlerOptions } from './request-session.ts'
import { isPrefetch, RequestSession } from './request-session.ts'
import type { Shared } from './shared.ts'

/** Runs the app's part, saves, and tells the browser and the code behind. */
export async function serveProxy(
  shared: Shared,
  request: NextRequest,
  call: () => Promise<Response | null | undefined | void>,
  options: HandlerOptions,
): Promise<Response> {
  const { cookie = null, ...others } = Object.fromEntries(request.headers)
  const session = new RequestSession(shared.sessions, cookie, !isPrefetch(others))
  const lazy = await session.write(options)
  const response = copyOf(
    await lazy.around(async () => (await shared.current.run(lazy, call)) ?? NextResponse.next()),
  )
  const { headers } = response
  const committed = await lazy.end()
  const goesOn = headers.has('x-middleware-next') || headers.has('x-middleware-rewrite')
  if (!goesOn) return response
  await bodyArrived()
  if (committed === null && !request.headers.has(shared.header)) return response
  const forwarded = forwardedHeaders(request, headers)
  for (const cookie of committed?.formerCookies ?? []) setCookie(forwarded, cookie)
  if (committed?.cookie) setCookie(forwarded, committed.cookie)
  // One that came from outside is not passed on.
  forwarded.delete(shared.header)
  if ((await session.shown()) !== null) {
    session.cookies = forwarded.get('cookie')
    forwarded.set(shared.header, shared.handovers.leave(session))
  }
  for (const [name, value] of NextResponse.next({ request: { headers: forwarded } }).headers) {
    if (name !== 'x-middleware-next') headers.set(name, value)
  }
  // Next.js says this of a dynamic page itself, but only if there is no Cache-Control yet.
  if (committed !== null) headers.set('Cache-Control', 'private, no-store')
  return response
}

const owners = new WeakMap<ReadableStream, Response>()

/** The app, and `onFailure`, may return one object for all requests, and Next.js changes what the proxy returns. */
function copyOf(response: Response): Response {
  // Node.js cancels the body of a fetch when its response is collected, also if another response has that body.
  if (response.body) owners.set(response.body, response)
  return new Response(response.body, response)
}
/** The request's headers, or those that the app put in their place. */
function forwardedHeaders(request: NextRequest, response: Headers): Headers {
  if (!response.has('x-middleware-override-headers')) return new Headers(request.headers)
  const prefix = 'x-middleware-request-'
  const own = [...response].filter(([name]) => name.startsWith(prefix))
  return new Headers(own.map(([name, value]) => [name.slice(prefix.length), value]))
}

/** Replaces the cookies of this name. An empty value only removes them. */
function setCookie(headers: Headers, { name, value }: Cookie): void {
  const pairs = (headers.get('cookie') ?? '').split(/[ \t]*;[ \t]*/)
  const others = pairs.filter((pair) => pair !== '' && !pair.startsWith(`${name}=`))
  const all = value === '' ? others : [...others, `${name}=${value}`]
  if (all.length > 0) headers.set('cookie', all.join('; '))
  else headers.delete('cookie')
}
