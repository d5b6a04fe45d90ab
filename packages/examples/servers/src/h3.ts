import type { RequestSession } from '@coatcheck/core'
import { H3, serve, toResponse } from 'h3'
import { pieces } from './pieces.ts'
import { port, sessions } from './sessions.ts'

const app = new H3()
app.use((event, next) =>
  sessions.fetch(async (_request, session) => {
    event.context['session'] = session
    return toResponse(await next(), event)
  })(event.req as Request),
)
app.get('/public', () => 'The same for every visitor')
app.get('/**', async (event) => {
  const session = event.context['session'] as RequestSession<{ visits?: number }>
  const { data } = await session.get()
  data.visits = (data.visits ?? 0) + 1
  if (event.url.pathname === '/throw-response') throw new Response('No', { status: 401 })
  if (event.url.pathname === '/throw-error') throw new Error('A bug')
  return event.url.pathname === '/stream' ? pieces() : `${data.visits} visits`
})
serve(app, { port, silent: true })
