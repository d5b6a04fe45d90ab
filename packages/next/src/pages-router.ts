import type { Committed } from '@coatcheck/core'
import { ServerResponse } from 'node:http'
import type { GetServerSidePropsContext } from 'next'
import { adoptHead, changeHeaders, headOf } from './node-head.ts'
import type { Lazy, Run } from './request-session.ts'

type NodePair = Pick<GetServerSidePropsContext, 'req' | 'res'>

/** The request and response of an API route, or of the context of `getServerSideProps`. */
export function nodePairOf([first, second]: readonly unknown[]): NodePair | null {
  const { req = first, res = second } = Object(first) as Partial<Record<'req' | 'res', unknown>>
  return res instanceof ServerResponse ? { req: req as NodePair['req'], res } : null
}

/**
 * `getServerSideProps` and API routes. What sends the response is held back until the session is saved. If that fails,
 * the response is a 500. Our headers, and those of `earlier`, are added when the head leaves, which is after
 * everything that can set others.
 */
export async function serveNode(
  lazy: Lazy,
  run: Run,
  response: ServerResponse,
  earlier: Committed | null = null,
): Promise<unknown> {
  const { writeHead, flushHeaders, write, end } = response
  const originals = { writeHead, flushHeaders, write, end }
  const atFirst = headOf(response)
  const held: (() => unknown)[] = []
  let released: Promise<void> | null = null

  async function saveAndSend(): Promise<void> {
    let committed: Committed | null = null
    let instead: Response | null = null
    try {
      committed = await lazy.end()
      if (committed?.failure) instead = await answerInstead(lazy, committed, headOf(response))
    } catch (error) {
      if (held.length > 0) instead = new Response(null, { status: 500 })
      throw error
    } finally {
      if (instead) await sendInstead(instead)
      else sendHeld(committed)
    }
  }

  function sendHeld(committed: Committed | null): void {
    Object.assign(response, originals)
    const added = [earlier, committed].filter((one) => one !== null)
    if (added.length > 0) response.writeHead = addAtHead(writeHead, added)
    for (const send of held) send()
  }

  /** What the handler sends is dropped. */
  async function sendInstead(answer: Response): Promise<void> {
    const body = new Uint8Array(await answer.arrayBuffer())
    Object.assign(response, originals)
    const headers = joined(atFirst.headers, answer.headers)
    changeHeaders(response, headOf(response).headers, headers)
    Object.assign(response, { statusCode: answer.status, statusMessage: '' })
    response.end(body)
    for (const name of Object.keys(originals)) Object.assign(response, { [name]: () => response })
  }

  const release = (): Promise<void> => (released ??= saveAndSend())
  const hold = (send: () => unknown): ServerResponse => {
    held.push(send)
    release().catch(() => {})
    return response
  }
  Object.assign(response, {
    writeHead(...args: unknown[]) {
      adoptHead(response, args)
      return hold(() => response.headersSent || response.writeHead(response.statusCode))
    },
    flushHeaders: () => hold(() => response.flushHeaders()),
    write: (...args: Parameters<typeof write>) => hold(() => response.write(...args)),
    end: (...args: Parameters<typeof end>) => hold(() => response.end(...args)),
  })
  try {
    return await run()
  } catch (error) {
    lazy.discard()
    throw error
  } finally {
    await release()
  }
}

/** A `writeHead` that adds our headers. `write`, `end` and `flushHeaders` call it too. */
function addAtHead(
  writeHead: ServerResponse['writeHead'],
  added: readonly Committed[],
): ServerResponse['writeHead'] {
  // `next dev` warns if the object that getServerSideProps was given is used later: it is another than `this`.
  return function (this: ServerResponse, ...args: unknown[]) {
    adoptHead(this, args)
    const head = headOf(this)
    const { headers } = added.reduce((all, { applyTo }) => applyTo(all), head)
    changeHeaders(this, head.headers, headers)
    return writeHead.call(this, this.statusCode)
  }
}

/** The response of `onFailure`; `null`: it lets that of the handler go, whose head is `head`. */
async function answerInstead(
  lazy: Lazy,
  { applyTo }: Committed,
  head: Response,
): Promise<Response | null> {
  const [answer, own] = [await lazy.answer(head), applyTo(head)]
  const [one, other] = [answer, own].map(({ status, headers }) =>
    JSON.stringify([status, ...headers]),
  )
  return answer.body === null && one === other ? null : answer
}

/** What Next.js and the proxy have set before the handler, and what the answer has. */
function joined(before: Headers, answer: Headers): Headers {
  const all = new Headers(before)
  for (const [name, value] of answer) {
    const isList = name === 'set-cookie' || name === 'vary'
    if (!isList) all.set(name, value)
    else if (!before.get(name)?.includes(value)) all.append(name, value)
  }
  return all
}
