import { serve } from '@hono/node-server'
import type { ServerType } from '@hono/node-server'
import { createSessions } from '@coatcheck/core'
import { deviceBound } from '@coatcheck/core/device-bound'
import { memoryStore } from '@coatcheck/core/memory'
import { bindDevice } from '@coatcheck/harness/bind-device'
import { Hono } from 'hono'
import { csrf } from 'hono/csrf'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sessionMiddleware } from '../src/index.ts'
import type { SessionVariables } from '../src/index.ts'

const sessions = createSessions({ store: memoryStore(), deviceBound: deviceBound() })

const app = new Hono<{ Variables: SessionVariables<Partial<Record<string, unknown>>> }>()
app.post(
  '/device-bound/:step',
  async (c) => (await sessions.deviceBinding(c.req.raw)) ?? c.notFound(),
)
app.use(csrf())
app.use(sessionMiddleware(sessions))
app.post('/sign-in', async (c) => {
  const session = await c.var.session.get()
  session.signIn('ada')
  return c.text('Welcome')
})

let server: ServerType
let url: string
beforeAll(async () => {
  url = await new Promise((resolve) => {
    server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve(`http://localhost:${port}`),
    )
  })
})
afterAll(() => void server.close())

it('answers a browser that binds its session, by the line of the documentation', async () => {
  expect(await bindDevice(url, '/sign-in')).toEqual({
    statuses: [200, 200, 403, 400],
    cookies: ['__Host-Http-sid', '__Host-sid-bound'],
  })
  const other = await fetch(`${url}/device-bound/else`, { method: 'POST' })
  expect(other.status).toBe(404)
})
