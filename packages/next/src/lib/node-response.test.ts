import type { ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { expect, it, onTestFinished } from 'vitest'
import { saveFirst } from './node-response.ts'

type Answer = (response: ServerResponse, saved: () => boolean) => unknown

/** Serves one request: saves before what `answer` sends is sent. */
async function ask(answer: Answer, save: () => Promise<void> = async () => {}): Promise<Response> {
  let saved = false
  const server = createServer((_request, response) => {
    const hasLeft = saveFirst(response, async () => {
      await new Promise((resolve) => void setTimeout(resolve, 10))
      await save()
      response.setHeader('X-Saved', 'yes')
      saved = true
    })
    void (async () => {
      try {
        await answer(response, () => saved)
        if (!(await hasLeft())) response.end('nothing sent')
      } catch {
        await hasLeft().catch(() => {})
      }
    })()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => void server.once('listening', resolve))
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

it('holds back writeHead, write and end until it is saved, in their order', async () => {
  const response = await ask((res) => {
    res.writeHead(201, { 'X-Own': '1' })
    res.write('one ')
    res.end('two')
  })
  expect([response.status, await response.text()]).toEqual([201, 'one two'])
  expect(response.headers.get('X-Saved')).toBe('yes')
  expect(response.headers.get('X-Own')).toBe('1')
})

it('does not keep a handler waiting that waits for what it sent', async () => {
  const response = await ask((res) => pipeline(Readable.from(['a', 'b', 'c']), res))
  expect(await response.text()).toBe('abc')
})

it('lets a handler go on that sends nothing', async () => {
  const response = await ask(() => {})
  expect([await response.text(), response.headers.get('X-Saved')]).toEqual(['nothing sent', null])
})

it('answers 500, with nothing of the answer, when it cannot be saved', async () => {
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
