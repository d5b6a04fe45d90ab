import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, it, onTestFinished } from 'vitest'
import { holdBack } from './pages-router.ts'

type Handler = (response: ServerResponse) => unknown
type Answer = (response: Response) => Response | Promise<Response>

/** Serves one request, whose handler sends a response that `answer` sees first. */
async function ask(handler: Handler, answer: Answer = (response) => response): Promise<Response> {
  const server = createServer((_request, response) => {
    const release = holdBack(response, async (before) => {
      await new Promise((resolve) => void setTimeout(resolve, 10))
      const after = await answer(before)
      after.headers.set('X-Saved', 'yes')
      return after
    })
    void (async () => {
      try {
        await handler(response)
        await release()
        if (!response.writableEnded) response.end('nothing sent')
      } catch {
        await release().catch(() => {})
      }
    })()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => void server.once('listening', resolve))
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

it('holds back writeHead, write and end until the session is saved, in their order', async () => {
  const response = await ask((res) => {
    res.writeHead(201, { 'X-Own': '1' })
    res.write('one ')
    res.end('two')
  })
  expect([response.status, await response.text()]).toEqual([201, 'one two'])
  expect(response.headers.get('X-Saved')).toBe('yes')
  expect(response.headers.get('X-Own')).toBe('1')
})

it('does not block a handler that waits until its response is sent', async () => {
  const response = await ask((res) => pipeline(Readable.from(['a', 'b', 'c']), res))
  expect(await response.text()).toBe('abc')
})

it('saves also if the handler sends nothing, and then lets the framework send', async () => {
  const response = await ask(() => {})
  expect([await response.text(), response.headers.get('X-Saved')]).toEqual(['nothing sent', 'yes'])
})

it('answers 500, with nothing of the answer, if the session cannot be saved', async () => {
  const response = await ask(
    (res) => {
      res.setHeader('Content-Length', 7)
      res.setHeader('Cache-Control', 'public')
      res.end('a reply')
    },
    () => Promise.reject(new Error('No')),
  )
  expect([response.status, await response.text()]).toEqual([500, ''])
  expect(response.headers.has('Cache-Control')).toBe(false)
})

it('sends another response in its place, and drops what the handler sends', async () => {
  const unavailable = (): Response =>
    new Response('Try again', { status: 503, headers: { 'Retry-After': '5' } })
  const handlers: Handler[] = [
    (res) => {
      res.setHeader('Content-Length', 7)
      res.end('welcome')
    },
    (res) => pipeline(Readable.from(['wel', 'come', '!']), res),
    () => {},
  ]
  for (const handler of handlers) {
    const response = await ask(handler, unavailable)
    expect([response.status, await response.text()]).toEqual([503, 'Try again'])
    expect(response.headers.get('Retry-After')).toBe('5')
  }
})

it('shows the status, and every header with all its values', async () => {
  let seen: Response | undefined
  const response = await ask(
    (res) => {
      res.statusCode = 404
      res.setHeader('Set-Cookie', ['a=1', 'b=2'])
      res.setHeader('Age', 1)
      res.end('no')
    },
    (before) => (seen = before),
  )
  expect(seen?.status).toBe(404)
  expect(seen?.headers.get('Age')).toBe('1')
  expect([response.status, response.headers.getSetCookie()]).toEqual([404, ['a=1', 'b=2']])
})
