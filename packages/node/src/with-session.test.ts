import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { withSession } from './with-session.ts'

const sessions = createSessions<{ n: number }>({
  store: memoryStore(),
  namespace: 'test',
  cookie: { secure: 'per-request' },
})

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => void server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

/** What a server answers to these lines. */
function send(port: number, ...lines: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET / HTTP/1.1\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`)
  return text(socket)
}

it('cuts the connection after an error of a response that has begun, and tells onError', async () => {
  const errors: unknown[] = []
  const listener = withSession(
    sessions,
    async (request, response) => {
      const { data } = await request.session.get()
      data.n = 1
      response.write('the first half')
      await request.session.commit()
      throw new Error('a bug')
    },
    { onError: (error) => void errors.push(error) },
  )
  const port = await serve(listener)
  const body = fetch(`http://127.0.0.1:${port}`).then((response) => response.text())
  await expect(body).rejects.toThrow()
  expect(errors).toMatchObject([{ message: 'a bug' }])
})

it('gives one session to a handler that is wrapped twice', async () => {
  const inner = withSession(sessions, async (request, response) => {
    const { data } = await request.session.get()
    response.end(String(data.n))
  })
  const outer = withSession(sessions, async (request, response) => {
    const { data } = await request.session.get()
    data.n = 7
    inner(request, response)
  })
  expect(await send(await serve(outer), 'Host: localhost')).toMatch(/7$/)
})

it('takes the scheme and the host from the request, whatever a client sends as Host', async () => {
  const listener = withSession(sessions, async (request, response) => {
    const { data } = await request.session.get()
    data.n = 1
    response.end('done')
  })
  const port = await serve(listener)
  for (const host of ['localhost', 'a b', 'x:99999', '[', 'a/b?c']) {
    const answer = await send(port, `Host: ${host}`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    // Over plain http, in development: a cookie without Secure.
    expect(answer).toMatch(/^Set-Cookie: sid=(?!.*Secure)/m)
  }
})
