import { createFrameworkApp } from '@coatcheck/example-custom-server/on-framework'
import { readSetting } from '@coatcheck/example-custom-server/setting'
import { sessionPlugin } from '@coatcheck/node/fastify'
import { fastify } from 'fastify'
import { sessionOf, toRequest } from './exchange.ts'

const { host, port, options, check, close } = readSetting(process.env)
const { visitors, onFailure, answer } = createFrameworkApp(options)

const app = fastify({ forceCloseConnections: true })
// The application reads bodies by itself.
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', (_request, _payload, done) => done(null))
app.register(sessionPlugin(visitors, { onFailure }))
app.all('*', (request) => answer(toRequest(request.raw), sessionOf(request)))

await app.listen({ host, port })
process.once('SIGTERM', () => {
  close()
  void app.close().then(() => process.exit(0))
})
await check()
