import { withSession } from '@coatcheck/node'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pieces } from './pieces.ts'
import { port, sessions } from './sessions.ts'

const listener = withSession(sessions, async (req, res) => {
  if (req.url === '/public') return res.end('The same for every visitor')
  const { data } = await req.session.get()
  data.visits = (data.visits ?? 0) + 1
  if (req.url === '/throw-response') throw new Response('Sign in first', { status: 401 })
  if (req.url === '/throw-error') throw new Error('A bug')
  if (req.url === '/stream') return Readable.from(pieces()).pipe(res)
  return res.end(`${data.visits} visits`)
})

createServer(listener).listen(port)
