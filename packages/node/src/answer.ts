import type { Committed, LazySession } from '@coatcheck/core'
import type { OutgoingHttpHeaders } from 'node:http'
import { headersOf } from './head.ts'

/** A whole answer in place of what the handler sent. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array
}

export const failed: Answer = {
  status: 500,
  headers: new Headers({ 'Cache-Control': 'private, no-store' }),
  body: new Uint8Array(),
}

/** The response of `onFailure`; `null`: it lets that of the handler go, whose head is `head`. */
export async function answerInstead(
  lazy: LazySession<object>,
  { applyTo }: Committed,
  head: Response,
): Promise<Answer | null> {
  const [answer, own] = [await lazy.answer(head), applyTo(head)]
  const [one, other] = [answer, own].map(({ status, headers }) =>
    JSON.stringify([status, ...headers]),
  )
  if (answer.body === null && one === other) return null
  // Read before anything is sent: it may fail.
  const body = new Uint8Array(await answer.arrayBuffer())
  return { status: answer.status, headers: answer.headers, body }
}

/** What was set before the handler, and what the answer has. */
export function headersOfAnswer(atFirst: OutgoingHttpHeaders, answer: Headers): Headers {
  const before = headersOf(atFirst)
  const all = new Headers(before)
  for (const [name, value] of answer) {
    const isList = name === 'set-cookie' || name === 'vary'
    if (!isList) all.set(name, value)
    else if (!before.get(name)?.includes(value)) all.append(name, value)
  }
  return all
}
