import type { RequestSessionOf } from '@coatcheck/node/fastify'
import { sessionPlugin } from '@coatcheck/node/fastify'
import Fastify from 'fastify'
import { Readable } from 'node:stream'
import { pieces } from './pieces.ts'
import { port, sessions } from './sessions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    session: RequestSessionOf<typeof sessions>
  }
}

const app = Fastify()
await app.register(sessionPlugin(sessions))

app.get('/public', async () => 'The same for every visitor')
app.get('/:what?', async (request) => {
  const { data } = await request.session.get()
  data.visits = (data.visits ?? 0) + 1
  if (request.url === '/throw-response') throw new Response('Sign in first', { status: 401 })
  if (request.url === '/throw-error') throw new Error('A bug')
  if (request.url === '/stream') return Readable.from(pieces())
  return `${data.visits} visits`
})

await app.listen({ port })
