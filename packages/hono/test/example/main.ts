import { sessionMiddleware } from '@coatcheck/hono'
import { createFrameworkApp } from '@coatcheck/example-custom-server/on-framework'
import { readSetting } from '@coatcheck/example-custom-server/setting'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const { host, port, options, check, close } = readSetting(process.env)
const { visitors, onFailure, answer } = createFrameworkApp(options)

const app = new Hono()
  .use(sessionMiddleware(visitors, { onFailure }))
  .all('*', (c) => answer(c.req.raw, c.var.session))

const server = serve({ fetch: app.fetch, hostname: host, port })
process.once('SIGTERM', () => {
  close()
  server.close(() => process.exit(0))
  if ('closeAllConnections' in server) server.closeAllConnections()
})
await check()
