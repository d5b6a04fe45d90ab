import { sessionMiddleware } from '@coatcheck/hono'
import { Hono } from 'hono'
import { pieces } from './pieces.ts'
import { sessions } from './sessions.ts'

export const app = new Hono()
  .use(sessionMiddleware(sessions))
  .get('/public', (c) => c.text('The same for every visitor'))
  .get('/:what?', async (c) => {
    const { data } = await c.var.session.get()
    data.visits = (data.visits ?? 0) + 1
    if (c.req.path === '/throw-response') throw new Response('Sign in first', { status: 401 })
    if (c.req.path === '/throw-error') throw new Error('A bug')
    return c.req.path === '/stream' ? c.body(pieces()) : c.text(`${data.visits} visits`)
  })
