import type { RequestSessionOf } from '@coatcheck/node/express'
import { dropOnError, sessionMiddleware } from '@coatcheck/node/express'
import type { Request } from 'express'
import express from 'express'
import { Readable } from 'node:stream'
import { pieces } from './pieces.ts'
import { port, sessions } from './sessions.ts'

const app = express().use(sessionMiddleware(sessions))
const count = async (request: Request): Promise<number> => {
  const { session } = request as Request & { session: RequestSessionOf<typeof sessions> }
  const { data } = await session.get()
  return (data.visits = (data.visits ?? 0) + 1)
}

app.get('/', async (req, res) => void res.send(`${await count(req)} visits`))
app.get('/public', (_req, res) => void res.send('The same for every visitor'))
app.get('/stream', async (req, res) => void (await count(req), Readable.from(pieces()).pipe(res)))
app.get('/throw-:what', async (req) => {
  await count(req)
  throw req.params.what === 'error' ? new Error('A bug') : new Response('', { status: 401 })
})
app.use(dropOnError)
app.listen(port)
