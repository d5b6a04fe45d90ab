import type { Committed, LazySession } from '@coatcheck/core'
import { randomUUID } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http'
import { headersOf } from './head.ts'

/** A response that replaces the handler's. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** `null`: the handler's body, which is held. */
  readonly body: Uint8Array | null
}

export const failed: Answer = {
  status: 500,
  headers: new Headers({ 'Cache-Control': 'private, no-store' }),
  body: new Uint8Array(),
}

/**
 * Returns the response of `onFailure`; `null` if it keeps the handler's response, whose head is `head`. The handler may
 * still be writing the body, so `onFailure` gets a stand-in body. If the stand-in is returned, the handler's body is
 * sent. The stand-in is ASCII text, so it stays the same when `onFailure` reads it as text.
 */
export async function answerInstead(
  lazy: LazySession<object>,
  { applyTo }: Committed,
  head: Response,
): Promise<Answer | null> {
  const standIn = hasNoBody(head.status) ? null : randomUUID()
  const answer = await lazy.answer(new Response(standIn, head))
  const { status, headers } = answer
  // Read before anything is sent, because it may fail.
  const body = Buffer.from(await answer.arrayBuffer())
  if (standIn === null ? status === head.status : body.equals(Buffer.from(standIn))) {
    if (textOf(answer) === textOf(applyTo(head))) return null
    return { status, headers: headersOfBodyIn(head.headers, headers), body: null }
  }
  if (standIn !== null && hasPartOf(standIn, body)) throw new TypeError(unread)
  return { status, headers: headersOfBody(status, headers, body, head.headers), body }
}

const unread = `onFailure cannot change the body of the handler's response, which may not be complete yet: pass it \
on as it is, or return another one`

/** A change that leaves no part of it, not even in capitals, cannot be told from a body of its own. */
function hasPartOf(standIn: string, body: Buffer): boolean {
  const text = body.toString('latin1').toLowerCase()
  const length = 10
  const ends = Array.from(standIn, (_, at) => at + 1).slice(length - 1)
  return ends.some((end) => text.includes(standIn.slice(end - length, end)))
}

function textOf({ status, headers }: Response): string {
  return JSON.stringify([status, ...headers])
}

function hasNoBody(status: number): boolean {
  return [204, 205, 304].includes(status)
}

const ofBody = ['content-length', 'content-encoding', 'transfer-encoding']

/**
 * Only the handler knows how its body is written. A wrong length would truncate it, or reach into the next response.
 */
function headersOfBodyIn(head: Headers, given: Headers): Headers {
  const headers = new Headers(given)
  for (const name of ofBody) {
    const value = head.get(name)
    if (value === null) headers.delete(name)
    else headers.set(name, value)
  }
  return headers
}

/** Body headers that `onFailure` copied from the handler's head may be wrong for another body. */
function headersOfBody(status: number, given: Headers, body: Uint8Array, former: Headers): Headers {
  const headers = new Headers(given)
  const encoding = headers.get('content-encoding')
  for (const name of ofBody) headers.delete(name)
  const isOwn = encoding !== null && encoding !== former.get('content-encoding')
  if (isOwn) headers.set('content-encoding', encoding)
  if (!hasNoBody(status)) headers.set('content-length', String(body.length))
  return headers
}

/** The headers set before the handler ran, merged with those of the answer. */
export function headersOfAnswer(atFirst: OutgoingHttpHeaders, answer: Headers): Headers {
  const before = headersOf(atFirst)
  for (const name of ofBody) before.delete(name)
  const all = new Headers(before)
  const formerOf = new Map([
    ['set-cookie', before.getSetCookie()],
    ['vary', [before.get('vary') ?? '']],
  ])
  for (const [name, value] of answer) {
    const former = formerOf.get(name)
    if (former === undefined) all.set(name, value)
    else if (!former.includes(value)) all.append(name, value)
  }
  return all
}
