import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { MemjsConnection } from './memjs-connection.ts'
import { createMemjsWire } from './memjs-wire.ts'

/** Longer than a test may take: what settles has not waited for it. */
const never = 300_000
const get = { opcode: 0x00, key: 'k' }

const servers: Server[] = []
afterEach(() => servers.splice(0).forEach((server) => server.close()))

/** A node that answers as it is told, on connection after connection. */
async function nodeThat(...answers: ((request: Buffer, socket: Socket) => void)[]) {
  let connections = 0
  const server = createServer((socket) => {
    const answer = answers[Math.min(connections++, answers.length - 1)]!
    socket.on('error', () => {})
    socket.on('data', (request: Buffer) => answer(request, socket))
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { host: '127.0.0.1', port }
}

/** An answer to `request`; `changes` by place in its header. */
function answerTo(request: Buffer, value: string, changes: Record<number, number> = {}): Buffer {
  const header = Buffer.alloc(24)
  header.set([0x81, request[1]!, 0, 0, 4])
  header.writeUInt32BE(4 + value.length, 8)
  request.copy(header, 12, 12, 16)
  header[23] = 1
  for (const [place, byte] of Object.entries(changes)) header[Number(place)] = byte
  return Buffer.concat([header, Buffer.alloc(4), Buffer.from(value)])
}

const fault = (code: string) => expect.objectContaining({ name: 'StoreError', code })

describe('a memjs connection', () => {
  it('takes an answer that comes byte by byte', async () => {
    const address = await nodeThat((request, socket) => {
      socket.setNoDelay(true)
      for (const byte of answerTo(request, 'coat')) socket.write(Uint8Array.of(byte))
    })
    const connection = new MemjsConnection(address, never)
    expect(String((await connection.request(get)).val)).toBe('coat')
    connection.close()
    expect(connection.alive).toBe(false)
  })

  it('ends at an answer to another command, and takes nothing of it', async () => {
    const address = await nodeThat((request, socket) => {
      socket.write(answerTo(request, 'coat', { 1: 0x1d }))
    })
    const connection = new MemjsConnection(address, never)
    const asked = [connection.request(get), connection.request(get)]
    for (const one of asked) await expect(one).rejects.toEqual(fault('protocol'))
    expect(connection.alive).toBe(false)
  })

  it('does not take a request for an answer', async () => {
    const address = await nodeThat((request, socket) => socket.write(request))
    const connection = new MemjsConnection(address, never)
    await expect(connection.request(get)).rejects.toEqual(fault('protocol'))
  })

  it('gives up at the deadline on a length that cannot be', async () => {
    const address = await nodeThat((request, socket) => {
      socket.write(answerTo(request, 'coat', { 8: 0x7f }))
    })
    const connection = new MemjsConnection(address, 100)
    await expect(connection.request(get)).rejects.toEqual(fault('unavailable'))
    expect(connection.alive).toBe(false)
  })

  it('fails at once when the node hangs up, politely or not', async () => {
    const polite = new MemjsConnection(await nodeThat((_, socket) => socket.end()), never)
    await expect(polite.request(get)).rejects.toEqual(fault('unavailable'))
    const rude = new MemjsConnection(await nodeThat((_, socket) => socket.resetAndDestroy()), never)
    await expect(rude.request(get)).rejects.toEqual(fault('unavailable'))
    expect([polite.alive, rude.alive]).toEqual([false, false])
  })

  it('notices that the node hangs up while nothing is in flight', async () => {
    const sockets: Socket[] = []
    const address = await nodeThat((request, socket) => {
      sockets.push(socket)
      socket.write(answerTo(request, 'coat'))
    })
    const connection = new MemjsConnection(address, never)
    await connection.request(get)
    sockets[0]!.end()
    await expect.poll(() => connection.alive).toBe(false)
  })

  it('repeats what a node says that does not speak the protocol', async () => {
    const text = 'HTTP/1.1 400 Bad Request\r\n\r\n'
    const connection = new MemjsConnection(await nodeThat((_, socket) => socket.end(text)), never)
    const asked = connection.request(get)
    await expect(asked).rejects.toEqual(fault('config'))
    await expect(asked).rejects.toThrow('HTTP/1.1 400 Bad Request')
  })

  it('does not know the number of its first command in advance', async () => {
    const numbers = new Set<number>()
    const address = await nodeThat((request, socket) => {
      numbers.add(request.readUInt32BE(12))
      socket.write(answerTo(request, 'coat'))
    })
    for (let count = 0; count < 5; count++) {
      const connection = new MemjsConnection(address, never)
      await connection.request(get)
      connection.close()
    }
    expect(numbers.size).toBe(5)
    for (const number of numbers) expect(number).toBeLessThan(2 ** 31)
  })
})

describe('a memjs wire that has to connect again', () => {
  it('takes nothing for an answer that an earlier connection left behind', async () => {
    // The first half of the forgery is the end of one connection, and fits the start of the next.
    const address = await nodeThat(
      (request, socket) => socket.end(answerTo(request, 'forged').subarray(0, 27)),
      (request, socket) => socket.write(answerTo(request, 'true')),
    )
    const wire = createMemjsWire({ ...address, deadline: never })
    await expect(wire.get('k')).rejects.toEqual(fault('unavailable'))
    expect(Buffer.from((await wire.get('k'))!.value).toString()).toBe('true')
    wire.close()
  })
})
