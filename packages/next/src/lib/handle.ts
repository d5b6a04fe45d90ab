import type { IncomingMessage } from 'node:http'
import { ServerResponse } from 'node:http'
import type { Committed, Cookie } from '@coatcheck/core'
import { cookies, headers } from 'next/headers.js'
import { isAnswer, responseOf } from './control-flow.ts'
import { take } from './handover.ts'
import { applyToNode, saveFirst } from './node-response.ts'
import type { Room } from './room.ts'
import { createTurn } from './turn.ts'
import type { Turn } from './turn.ts'
import type { Visit } from './visit.ts'
import { createVisit, readOnly } from './visit.ts'

type Run = () => unknown

/** The visit of the request that is being answered in the App Router. Rejects where there is none. */
export async function currentVisit(room: Room): Promise<Visit> {
  const list = await requestHeaders()
  const found = room.visits.get(list)
  if (found !== undefined) return found
  const sent = list.get('cookie')
  const visit = createVisit(room, sent, take(room, list.get(room.header), sent))
  room.visits.set(list, visit)
  return visit
}

/** What Next.js throws to end a prerender is left as it is. */
async function requestHeaders(): ReturnType<typeof headers> {
  try {
    return await headers()
  } catch (error) {
    if (!/outside a request scope|inside ["`]after\(/.test((error as Error).message)) throw error
    throw new Error(noRequest, { cause: error })
  }
}

const noRequest =
  'getSession(): there is no request here. In the Pages Router wrap getServerSideProps or the API route in ' +
  'handle(); in after() of a page call getSession() before, and then saveLate(session, change)'

/** A route handler: all that comes of it is a response, also what it throws to that end. */
export async function serveRoute(room: Room, run: Run): Promise<unknown> {
  const turn = createTurn({ room, findVisit: () => currentVisit(room) })
  const response = await inTurn(room, turn, run, responseOf)
  const { applyTo, cookie } = await turn.end()
  if (!isResponse(response)) return response
  const answer = applyTo(response)
  if (cookie?.value === '') setExpired(answer.headers, cookie)
  return answer
}

/** Where the app sets a cookie by `cookies()`, Next.js writes ours anew, and drops a Max-Age of 0. */
function setExpired(headers: Headers, { header }: Cookie): void {
  const lines = headers.getSetCookie()
  headers.delete('Set-Cookie')
  for (const line of lines) {
    const expires = line === header ? '; Expires=Thu, 01 Jan 1970 00:00:00 GMT' : ''
    headers.append('Set-Cookie', line + expires)
  }
}

/** A server action: Next.js makes the response, and takes the cookie from us. */
export async function serveAction(room: Room, run: Run): Promise<unknown> {
  const findVisit = (): Promise<Visit> => currentVisit(room)
  const turn = createTurn({ room, findVisit, refusal: refuseWhileRendering, apply: setCookie })
  let thrown: unknown = null
  const result = await inTurn(room, turn, run, (error) =>
    isAnswer(error) ? (thrown = error) : null,
  )
  await turn.end()
  if (thrown !== null) throw thrown
  return result
}

/** `getServerSideProps` and API routes. */
export async function serveNode(room: Room, { req, res }: NodePair, run: Run): Promise<unknown> {
  const sent = req.headers.cookie ?? null
  const name = req.headers[room.header]
  const visit = createVisit(room, sent, take(room, typeof name === 'string' ? name : null, sent))
  const turn = createTurn({
    room,
    findVisit: async () => visit,
    apply: (committed) => applyToNode(res, committed),
  })
  const hasLeft = saveFirst(res, turn.end)
  try {
    const result = await inTurn(room, turn, run, () => null)
    if (!(await hasLeft())) await turn.end()
    return result
  } finally {
    await hasLeft()
  }
}

/** Calls a handler. What it throws is an answer, if `answerOf` makes one of it, or drops the changes. */
async function inTurn(
  { turns }: Room,
  turn: Turn,
  run: Run,
  answerOf: (thrown: unknown) => unknown,
): Promise<unknown> {
  try {
    return await turns.run(turn, run)
  } catch (thrown) {
    const answer = answerOf(thrown)
    if (answer !== null) return answer
    await turn.drop()
    throw thrown
  }
}

export interface NodePair {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** The request and response of an API route, or of the context of `getServerSideProps`. */
export function nodePairOf([first, second]: readonly unknown[]): NodePair | null {
  if (second instanceof ServerResponse) return { req: first as IncomingMessage, res: second }
  const { req, res } = (first ?? {}) as Partial<NodePair>
  return req !== undefined && res instanceof ServerResponse ? { req, res } : null
}

/** Rendering a page, and in `after()`, Next.js takes no cookies: every method that sets them is the same. */
async function refuseWhileRendering(): Promise<string | null> {
  const jar = await cookies()
  return (jar.set as unknown) === jar.delete ? readOnly : null
}

async function setCookie({ cookie }: Committed): Promise<void> {
  if (cookie === null) return
  const { header: _header, ...attributes } = cookie
  const jar = await cookies()
  jar.set(attributes)
}

/** By shape: Next.js has several classes. */
function isResponse(value: unknown): value is Response {
  const { status, headers } = (value ?? {}) as Partial<Response>
  return typeof status === 'number' && typeof headers?.append === 'function'
}
