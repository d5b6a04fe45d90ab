import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { openLink, trafficBetween } from './link.ts'
import type { Link } from './link.ts'

/** A server that answers each chunk with the chunk, and a link to it. */
async function linked(): Promise<Link> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => socket.write(chunk))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const link = await openLink((server.address() as AddressInfo).port)
  onTestFinished(() => {
    link.close()
    server.close()
  })
  return link
}

async function client(link: Link) {
  const socket = connect({ port: link.port, host: '127.0.0.1' })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

it('counts commands, trips, bytes and connections', async () => {
  const link = await linked()
  const socket = await client(link)
  const before = link.traffic()
  for (let count = 0; count < 3; count++) {
    socket.write('get a\r\nget b\r\n')
    await once(socket, 'data')
  }
  const seen = trafficBetween(before, link.traffic())
  expect(seen).toEqual({ connections: 0, commands: 6, trips: 3, sent: 42, received: 42 })
  await client(link)
  await expect.poll(() => link.traffic().connections).toBe(2)
})

it('refuses connections, and lets them through again', async () => {
  const link = await linked()
  const socket = await client(link)
  const closed = once(socket, 'close')
  await link.turn('refused')
  await closed
  await expect(client(link)).rejects.toThrow('ECONNREFUSED')
  await link.turn('open')
  const again = await client(link)
  again.write('get a\r\n')
  expect(String((await once(again, 'data'))[0])).toBe('get a\r\n')
})

it('stays silent: what the client sends leads nowhere', async () => {
  const link = await linked()
  const socket = await client(link)
  socket.write('get a\r\n')
  await once(socket, 'data')
  await link.turn('silent')
  let heard = ''
  socket.on('data', (chunk) => (heard += String(chunk)))
  socket.write('get b\r\n')
  await expect.poll(() => link.traffic().commands).toBe(2)
  await link.turn('open')
  socket.write('get c\r\n')
  await expect.poll(() => heard).toContain('get c')
  expect(heard).toBe('get c\r\n')
})
