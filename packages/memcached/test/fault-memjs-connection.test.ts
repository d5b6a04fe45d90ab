import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { answer, commands } from './binary-frames.ts'
import type { FakeServer } from './fake-server.ts'
import { patient } from './patience.ts'
import { closeAll, ending, fake, ours, stock } from './stock-memjs.ts'

/*
 * Defects of the connection of memjs 1.3.2. Each is shown on memjs first, so that these tests
 * notice when memjs fixes it, and then on this package's client, which must not have it.
 */

afterEach(closeAll)

describe('defect 1: a new connection goes on with the bytes of the last', () => {
  /**
   * Cuts the first connection inside A's session, which contains bytes that look like an answer to
   * B.
   */
  const cutWithin = () => {
    const forged = answer({ opcode: 0, opaque: 2, key: '' }, Buffer.from('{"user":"attacker"}'))
    const session = Buffer.concat([Buffer.alloc(300, 'a'), forged])
    return fake((socket, nth) => {
      commands(socket, (asked) => {
        for (const one of asked) {
          const isAttacker = one.key === 'attacker'
          const whole = answer(one, isAttacker ? session : Buffer.from('{"user":"victim"}'))
          if (nth > 1) socket.write(whole)
          else if (isAttacker) {
            socket.write(whole.subarray(0, forged.length))
            setTimeout(() => socket.resetAndDestroy(), 20)
          }
        }
      })
    })
  }

  test('stock: B reads what A has stored', async () => {
    const read = async (): Promise<string> => {
      const client = stock((await cutWithin()).port, { retries: 2, timeout: 0.3 })
      const attacker = client.get('attacker')
      const victim = client.get('victim').catch(() => ({ value: null }))
      await ending(attacker)
      return String((await victim).value)
    }
    // On a busy machine its timeout may come first.
    await expect.poll(read).toBe('{"user":"attacker"}')
  })

  test('ours: B reads what B has stored, or nothing', async () => {
    const client = ours((await cutWithin()).port, patient)
    const calls = await Promise.allSettled([client.get('attacker'), client.get('victim')])
    expect(calls.map((call) => call.status)).toEqual(['rejected', 'rejected'])
    expect(String((await client.get('victim'))!.value)).toBe('{"user":"victim"}')
    client.close()
  })
})

describe('defect 2: one bad frame ends all service', () => {
  const poison = () =>
    fake((socket, nth) => {
      commands(socket, (asked) => {
        for (const one of asked) {
          const frame = answer(one, Buffer.from('value'))
          if (nth === 1) frame.writeUInt32BE(0x7fffffff, 8)
          socket.write(frame)
        }
      })
    })

  test('stock: a healthy server fails from then on', async () => {
    const client = stock((await poison()).port)
    const endings = []
    for (let at = 0; at < 4; at++) endings.push(await ending(client.get(`key:${at}`), 300))
    expect(endings).not.toContain('resolved')
  })

  test('ours: only the command itself fails', async () => {
    const client = ours((await poison()).port, patient)
    const endings = []
    for (let at = 0; at < 4; at++) endings.push(await ending(client.get(`key:${at}`), 20_000))
    expect(endings).toEqual(['rejected', 'resolved', 'resolved', 'resolved'])
    client.close()
  })
})

describe('defect 3: an end of the connection settles nothing', () => {
  const hangsUp = () => fake((socket) => commands(socket, () => socket.end()))

  test('stock: commands hang', async () => {
    const client = stock((await hangsUp()).port)
    expect(await ending(client.get('key'))).toBe('pending')
  })

  test('ours: commands fail', async () => {
    const client = ours((await hangsUp()).port)
    expect(await ending(client.get('key'), 20_000)).toBe('rejected')
    client.close()
  })
})

describe('defect 4: a deadline that every command puts off', () => {
  const first = async (get: (key: string) => Promise<unknown>) => {
    const call = ending(get('first'))
    for (let at = 0; at < 12; at++) {
      await sleep(40)
      get(`later:${at}`).catch(() => {})
    }
    return Promise.race([call, sleep(0, 'pending')])
  }

  test('stock: under traffic a frozen server is waited for without end', async () => {
    const client = stock((await fake(() => {})).port)
    expect(await first((key) => client.get(key))).toBe('pending')
  })

  test('ours: each command has its own', async () => {
    const client = ours((await fake(() => {})).port)
    expect(await first((key) => client.get(key))).toBe('rejected')
    client.close()
  })
})

describe('defect 5: connections that were given up stay', () => {
  const rounds = async (port: number, get: () => Promise<unknown>, server: FakeServer) => {
    expect(port).toBe(server.port)
    for (let at = 0; at < 4; at++) await ending(get())
    await sleep(20)
    return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  }
  // A server that hangs: it stays connected although the client has ended its side.
  const stubborn = () => fake((socket) => void socket.pause(), { closes: false })

  test('stock: a socket for each', async () => {
    const server = await stubborn()
    const client = stock(server.port)
    const sockets = await rounds(server.port, () => client.get('key'), server)
    // Both ends of the connection are in this process.
    expect(sockets).toBeGreaterThanOrEqual(8)
  })

  test('ours: none but those of the other side', async () => {
    const server = await stubborn()
    const before = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap')
    const client = ours(server.port)
    const sockets = await rounds(server.port, () => client.get('key'), server)
    expect(sockets - before.length).toBeLessThanOrEqual(server.open())
    client.close()
  })
})

describe('defect 7: a command is sent twice', () => {
  const losesAnswer = async () => {
    const opcodes: number[] = []
    const server = await fake((socket, nth) => {
      commands(socket, (asked) => {
        opcodes.push(...asked.map((one) => one.opcode))
        if (nth === 1) socket.resetAndDestroy()
        else for (const one of asked) socket.write(answer(one, undefined, 2))
      })
    })
    return { server, opcodes }
  }

  test('stock: an add that was stored is told to be taken', async () => {
    const { server, opcodes } = await losesAnswer()
    const client = stock(server.port, { retries: 2 })
    expect(await client.add('key', 'value')).toBe(false)
    expect(opcodes).toEqual([0x02, 0x02])
  })

  test('ours: an add is sent once, and its outcome unknown', async () => {
    const { server, opcodes } = await losesAnswer()
    const client = ours(server.port)
    await expect(client.add('key', new Uint8Array(5), 60)).rejects.toMatchObject({ sent: true })
    await sleep(50)
    expect(opcodes).toEqual([0x02])
    client.close()
  })
})

describe('defect 9: commands that failed are sent after a login that came late', () => {
  const slowLogin = async () => {
    const stored: string[] = []
    let recovered = false
    const server = await fake((socket) => {
      commands(socket, (asked) => {
        for (const one of asked) {
          if (one.opcode === 0x02 || one.opcode === 0x01) stored.push(one.key)
          if (recovered) socket.write(answer(one))
        }
      })
    })
    return { server, stored, recover: () => (recovered = true) }
  }

  test('stock: writes that were reported as failed are carried out', async () => {
    const { server, stored, recover } = await slowLogin()
    const client = stock(server.port, { username: 'joe', password: 'secret' })
    for (let at = 0; at < 3; at++) await ending(client.set(`old:${at}`, 'x'))
    recover()
    await ending(client.set('new', 'x'))
    expect(stored).toEqual(expect.arrayContaining(['old:0', 'old:1', 'old:2']))
  })

  test('ours: what failed is gone', async () => {
    const { server, stored, recover } = await slowLogin()
    const login = { username: 'joe', password: 'secret' }
    const client = ours(server.port, { deadline: 20_000, connectDeadline: 1000, ...login })
    const old = [0, 1, 2].map((at) =>
      ending(client.add(`old:${at}`, new Uint8Array(1), 60), 20_000),
    )
    expect(new Set(await Promise.all(old))).toEqual(new Set(['rejected']))
    recover()
    expect(await client.add('new', new Uint8Array(1), 60)).toBe(true)
    expect(stored).toEqual(['new'])
    client.close()
  })
})

describe('defect 10: a server that has no connection left', () => {
  const full = () => fake((socket) => void socket.end('ERROR Too many open connections\r\n'))

  test('stock: commands hang', async () => {
    const client = stock((await full()).port)
    expect(await ending(client.get('key'))).toBe('pending')
  })

  test('ours: commands fail at once, and were not sent', async () => {
    const client = ours((await full()).port)
    await expect(client.get('key')).rejects.toMatchObject({ code: 'overloaded', sent: false })
    client.close()
  })
})
