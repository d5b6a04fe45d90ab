import type { NextFetchEvent, NextRequest } from 'next/server.js'
import { NextResponse } from 'next/server.js'
import type { Cookie } from '@coatcheck/core'
import { leave } from './handover.ts'
import type { Room } from './room.ts'
import { createTurn } from './turn.ts'
import { createVisit } from './visit.ts'
import type { Visit } from './visit.ts'

/** `undefined`: go on, as `NextResponse.next()`. */
export type ProxyResult = Response | null | undefined | void

/** The app's own part of `proxy.ts`. */
export type ProxyHandler = (
  request: NextRequest,
  event: NextFetchEvent,
) => ProxyResult | Promise<ProxyResult>

/** Runs the app's part, saves, and tells the browser as well as the code behind. */
export async function serveProxy(
  room: Room,
  request: NextRequest,
  run: () => ProxyResult | Promise<ProxyResult>,
): Promise<Response> {
  const visit = createVisit(room, request.headers.get('cookie'), null)
  const turn = createTurn({ room, findVisit: async () => visit })
  let response: Response
  try {
    response = (await room.turns.run(turn, run)) ?? NextResponse.next()
  } catch (thrown) {
    await turn.drop()
    throw thrown
  }
  const forward = (cookie: Cookie | null): Promise<void> =>
    passOn(room, request, response, visit, cookie)
  if (!turn.hasOpened()) {
    if (goesOn(response) && request.headers.has(room.header)) await forward(null)
    return response
  }
  const { cookie, cacheControl, applyTo } = await turn.end()
  if (goesOn(response)) {
    await forward(cookie)
    // What Next.js says of a dynamic page, which it does not say once there is something.
    if (cacheControl !== null) response.headers.set('Cache-Control', 'private, no-store')
  }
  return applyTo(response)
}

/** Whether the request goes on to a page or a route of ours. */
function goesOn({ headers }: Response): boolean {
  return headers.has('x-middleware-next') || headers.has('x-middleware-rewrite')
}

/**
 * Gives the code behind the request with the cookie that the browser will have, and with what the proxy
 * knows of the session. What came under the name of our header came from outside, and goes no further.
 */
async function passOn(
  room: Room,
  request: NextRequest,
  response: Response,
  visit: Visit,
  cookie: Cookie | null,
): Promise<void> {
  const forwarded = forwardedHeaders(request, response)
  if (cookie !== null) setCookie(forwarded, cookie)
  forwarded.delete(room.header)
  const opened = await visit.shown()
  const cookies = forwarded.get('cookie')
  if (opened !== null) forwarded.set(room.header, leave(room, { opened, cookies }))
  const protocol = NextResponse.next({ request: { headers: forwarded } }).headers
  for (const [name, value] of protocol) {
    if (name !== 'x-middleware-next') response.headers.set(name, value)
  }
}

/** The request's headers, or what the app's own part put in their place. */
function forwardedHeaders({ headers }: NextRequest, response: Response): Headers {
  const names = response.headers.get('x-middleware-override-headers')
  if (names === null) return new Headers(headers)
  const forwarded = new Headers()
  for (const name of names.split(',')) {
    const value = response.headers.get(`x-middleware-request-${name}`)
    if (value !== null) forwarded.set(name, value)
  }
  return forwarded
}

/** Puts a cookie in the place of those of its name. An empty value takes them away. */
function setCookie(headers: Headers, { name, value }: Cookie): void {
  const pairs = (headers.get('cookie') ?? '').split(';').map((pair) => pair.trim())
  const others = pairs.filter((pair) => pair !== '' && !pair.startsWith(`${name}=`))
  const all = value === '' ? others : [...others, `${name}=${value}`]
  if (all.length > 0) headers.set('cookie', all.join('; '))
  else headers.delete('cookie')
}
