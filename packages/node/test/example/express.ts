import { createFrameworkApp } from '@coatcheck/example-custom-server/on-framework'
import { readSetting } from '@coatcheck/example-custom-server/setting'
import { sessionMiddleware } from '@coatcheck/node/express'
import express from 'express'
import { send, sessionOf, toRequest } from './exchange.ts'

const { host, port, options, check, close } = readSetting(process.env)
const { visitors, onFailure, answer } = createFrameworkApp(options)

const app = express().disable('x-powered-by')
app.use(sessionMiddleware(visitors, { onFailure }))
app.use(async (request, response) =>
  send(await answer(toRequest(request), sessionOf(request)), response),
)

const server = app.listen(port, host)
process.once('SIGTERM', () => {
  close()
  server.close(() => process.exit(0))
  server.closeAllConnections()
})
await check()
