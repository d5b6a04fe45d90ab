import type { IncomingMessage } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { bodyArrived, followRequests } from './incoming.ts'

followRequests()

/** Sends half a body to a server. */
async function upload(serve: (message: IncomingMessage) => Promise<string>) {
  let served: (outcome: Promise<string>) => void
  const outcome = new Promise<string>((resolve) => void (served = resolve))
  const server = createServer((message, response) => {
    served(serve(message).finally(() => response.end()))
  }).listen(0)
  onTestFinished(() => void server.close())
  await new Promise((resolve) => void server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const client = request({ port, method: 'POST' }).on('error', () => {})
  client.write('half, ')
  await sleep(50)
  return { client, outcome }
}

/** As Next.js copies a body. */
function copy(message: IncomingMessage): string[] {
  const chunks: string[] = []
  message.on('error', () => {}).on('data', (chunk) => chunks.push(String(chunk)))
  return chunks
}

it('waits until a body has arrived that Next.js copies', async () => {
  const { client, outcome } = await upload(async (message) => {
    const chunks = copy(message)
    await bodyArrived()
    return chunks.join('')
  })
  client.end('whole')
  expect(await outcome).toBe('half, whole')
})

it('waits no longer than for the client', async () => {
  const { client, outcome } = await upload(async (message) => {
    const chunks = copy(message)
    await bodyArrived()
    await bodyArrived()
    return chunks.join('')
  })
  client.destroy()
  expect(await outcome).toBe('half, ')
})

it('waits for no body that a server in front of Next.js has read', async () => {
  const { client, outcome } = await upload(async (message) => {
    const body = await text(message)
    copy(message)
    await bodyArrived()
    return body
  })
  client.end('whole')
  expect(await outcome).toBe('half, whole')
})

it('waits for no body that Next.js does not copy', async () => {
  const { client, outcome } = await upload(async () => {
    await bodyArrived()
    return 'went on'
  })
  expect(await outcome).toBe('went on')
  client.destroy()
})

it('waits for nothing outside a request', async () => {
  expect(await bodyArrived()).toBeUndefined()
})
