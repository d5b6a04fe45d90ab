import { sessions } from './sessions.ts'
import { pieces } from './pieces.ts'

/** The whole application as a fetch handler. */
export const fetch = sessions.fetch(async (request, session) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/public') return new Response('The same for every visitor')
  const { data } = await session.get()
  data.visits = (data.visits ?? 0) + 1
  if (pathname === '/throw-response') throw new Response('Sign in first', { status: 401 })
  if (pathname === '/throw-error') throw new Error('A bug')
  if (pathname === '/stream') return new Response(pieces())
  return new Response(`${data.visits} visits`)
})
