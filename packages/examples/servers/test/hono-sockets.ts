import { sessionMiddleware } from '@coatcheck/hono'
import { Hono } from 'hono'
import { upgradeWebSocket, websocket } from 'hono/bun'
import { port, sessions } from '../src/sessions.ts'

const errors: string[] = []
const socket = upgradeWebSocket(() => ({ onMessage: () => undefined }))

const app = new Hono()
  .use(sessionMiddleware(sessions))
  .get('/public', (c) => c.json(errors))
  .get(
    '/read',
    async (c, next) => {
      await c.var.session.get()
      await next()
    },
    socket,
  )
  .get(
    '/change',
    async (c, next) => {
      const { data } = await c.var.session.get()
      data.visits = 1
      await next()
    },
    socket,
  )
app.onError((error, c) => {
  errors.push(error.message)
  return c.text(error.message, 500)
})

const server = { port, fetch: app.fetch, websocket }

export default server
