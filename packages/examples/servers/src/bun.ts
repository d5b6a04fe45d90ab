import { fetch } from './app.ts'
import { port, sessions } from './sessions.ts'

interface Server {
  upgrade(request: Request): boolean
}

/** A WebSocket of a visitor with a session. `undefined` after the upgrade: Bun has answered. */
const socket = sessions.fetch(async (request, session, server: Server) => {
  const { data } = await session.get()
  if (data.visits === undefined) return new Response('Visit us first', { status: 403 })
  return server.upgrade(request) ? undefined : new Response('No upgrade', { status: 400 })
})

const served = {
  port,
  fetch: (request: Request, server: Server) =>
    request.headers.has('Upgrade') ? socket(request, server) : fetch(request),
  websocket: { message() {} },
}

export default served
