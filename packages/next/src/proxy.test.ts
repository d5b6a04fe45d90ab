import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { NextRequest, NextResponse } from 'next/server.js'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it, onTestFinished } from 'vitest'
import type { HandlerOptions } from './request-session.ts'
import { serveProxy } from './proxy.ts'
import { shareByName } from './shared.ts'

const away = { ...memoryStore(), create: () => Promise.reject(new Error('memcached is down')) }
const shared = shareByName('proxy-test', () => createSessions({ store: memoryStore() }))
const sharedAway = shareByName('proxy-test-away', () => createSessions({ store: away }))

const request = () => new NextRequest('http://localhost/')

/** One object, as an app may keep, which throws if it is changed. */
function frozen(response: NextResponse): NextResponse {
  const refuse = (): never => {
    throw new Error('The response of the app was changed')
  }
  Object.assign(response.headers, { set: refuse, append: refuse, delete: refuse })
  return Object.freeze(response)
}

it('A2: changes no response that the app or onFailure may return again, for any visitor', async () => {
  const pass = frozen(NextResponse.next())
  const passOn: HandlerOptions = { onFailure: () => pass }
  async function signIn(): Promise<Response> {
    const lazy = sharedAway.current.getStore()
    ;(await lazy?.get())?.signIn('ada')
    return pass
  }
  async function change(): Promise<Response> {
    const lazy = shared.current.getStore()
    Object.assign((await lazy?.get())?.data ?? {}, { n: 1 })
    return pass
  }
  const spoofed = new NextRequest('http://localhost/', { headers: { [shared.header]: 'x' } })
  const answers = [
    await serveProxy(shared, request(), change, {}),
    await serveProxy(shared, spoofed, async () => pass, {}),
    await serveProxy(shared, request(), async () => pass, {}),
    await serveProxy(sharedAway, request(), signIn, passOn),
    await serveProxy(sharedAway, request(), async () => pass, passOn),
  ]
  // Next.js writes its own headers to what it gets.
  for (const { headers } of answers) headers.set('x-middleware-request-rsc', '1')
  expect([...pass.headers]).toEqual([['x-middleware-next', '1']])
  expect(new Set(answers).size).toBe(5)
})

it('keeps the body of a fetch when its response is collected before Next.js reads the body', async () => {
  const server = createServer((_request, response) => void response.end('hello')).listen(0)
  onTestFinished(() => void server.close())
  await new Promise((resolve) => void server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void

  // As Next.js does, which keeps the body and no response.
  const { body } = await serveProxy(shared, request(), () => fetch(`http://localhost:${port}`), {})
  for (let round = 0; round < 5; round++) {
    collect()
    await new Promise((resolve) => void setTimeout(resolve, 5))
  }
  expect(await new Response(body).text()).toBe('hello')
})
