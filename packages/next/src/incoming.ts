import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'

type Followed = AsyncLocalStorage<WeakRef<IncomingMessage>>

const key: unique symbol = Symbol.for('@coatcheck/next incoming')
const here = globalThis as { [key]?: Followed }

/** Remembers the request of Node.js for the code that it runs. Next.js does not pass it to a proxy. */
export function followRequests(): void {
  if (here[key]) return
  const followed: Followed = new AsyncLocalStorage()
  here[key] = followed
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: IncomingMessage }
    // A connection that is opened during a request keeps what is entered here.
    followed.enterWith(new WeakRef(request))
  })
}

/**
 * Waits until the body of the request has arrived, or its client has gone. Next.js 15 does not, and the code behind the
 * proxy then finds no body: https://github.com/vercel/next.js/issues/85416. It takes nothing from the body.
 */
export async function bodyArrived(): Promise<void> {
  const request = here[key]?.getStore()?.deref()
  // It flows if Next.js copies the body for the proxy. A server in front of Next.js may have read all of it.
  if (!request?.readableFlowing || request.destroyed) return
  await new Promise<void>((resolve) => {
    request.once('end', resolve).once('close', resolve)
  })
}
