import { createSessions, sum } from '@coatcheck/core'
import type { Session, Sessions } from '@coatcheck/core'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStore } from '../src/store/memcached-store.ts'
import { startFaultProxy } from './fake-server.ts'
import type { Fault, FaultProxy } from './fake-server.ts'
import { changes, frozen, says, unanswered } from './faults.ts'

interface Data {
  visits?: number
}

const secrets = ['a secret of at least 32 characters, for tests']

let memcached: MemcachedProcess
let proxy: FaultProxy
beforeAll(async () => {
  memcached = await startMemcached({ trace: false })
  proxy = await startFaultProxy(memcached.port)
})
afterAll(async () => {
  await proxy.close()
  await memcached.kill()
})

/** The next answer is lost with its connection, after memcached has carried out the command. */
function losesAnswer(): Fault {
  let lost = false
  return {
    answer(bytes, { client }) {
      if (lost) return void client.write(bytes)
      lost = true
      client.resetAndDestroy()
    },
  }
}

/** The next command is lost with its connection. */
function losesCommand(): Fault {
  let lost = false
  return {
    request(bytes, { client, memcached }) {
      if (lost) return void memcached.write(bytes)
      lost = true
      client.resetAndDestroy()
    },
  }
}

describe.each(['binary', 'meta', 'auto'] as const)('sessions over %s, when', (protocol) => {
  let store: MemcachedStore
  let sessions: Sessions<Data>
  beforeEach(() => {
    proxy.fault(undefined)
    const servers = `127.0.0.1:${proxy.port}`
    store = memcachedStore({ servers, protocol, deadline: 1000 })
    sessions = createSessions<Data>({ store, secrets, merge: { visits: sum } })
  })
  afterEach(async () => {
    store.close()
    await memcached.flush()
  })

  /** A visitor whose session counts one visit; returns the cookie that the browser sends. */
  const arrive = async (): Promise<string> => {
    const { session, commit } = await sessions.open(null)
    session.data.visits = 1
    const { outcome, cookie } = await commit()
    expect(outcome).toBe('created')
    return `${cookie!.name}=${cookie!.value}`
  }
  const count = async (cookie: string) => (await sessions.open(cookie)).session.data.visits

  test('the answer to an add is lost, the record that it made is found and used', async () => {
    await store.check()
    proxy.fault(losesAnswer())
    const { session, commit } = await sessions.open(null)
    session.data.visits = 1
    const { outcome, cookie } = await commit()
    expect(outcome).toBe('created')
    expect(await count(`${cookie!.name}=${cookie!.value}`)).toBe(1)
    await expect.poll(() => memcached.keys()).toHaveLength(1)
  })

  test('an add never reaches memcached, it is sent again', async () => {
    await store.check()
    proxy.fault(losesCommand())
    const cookie = await arrive()
    expect(await count(cookie)).toBe(1)
    await expect.poll(() => memcached.keys()).toHaveLength(1)
  })

  test('the answer to a replace is lost, its write id settles it, 500 times', async () => {
    const cookie = await arrive()
    const seen: string[] = []
    for (let trial = 1; trial <= 500; trial++) {
      const { session, commit } = await sessions.open(cookie)
      expect(session.data.visits).toBe(trial)
      session.data.visits = trial + 1
      const fault = trial % 3 === 0 ? losesCommand() : losesAnswer()
      proxy.fault(fault)
      const { outcome, cookie: changed } = await commit()
      proxy.fault(undefined)
      seen.push(`${outcome}, ${changed === null ? 'no cookie' : 'a cookie'}`)
    }
    expect(new Set(seen)).toEqual(new Set(['saved, no cookie']))
    expect(await count(cookie)).toBe(501)
  })

  test('the answer to a replace is lost while others write, each counts once', async () => {
    const cookie = await arrive()
    for (let trial = 0; trial < 50; trial++) {
      const mine = await sessions.open(cookie)
      const theirs = await sessions.open(cookie)
      mine.session.data.visits! += 1
      theirs.session.data.visits! += 1
      proxy.fault(losesAnswer())
      const ends = await Promise.all([mine.commit(), theirs.commit()])
      proxy.fault(undefined)
      expect(ends.map(({ outcome }) => outcome)).toEqual(['saved', 'saved'])
    }
    expect(await count(cookie)).toBe(101)
  })

  test('the answer to a delete is lost, it is asked again', async () => {
    const cookie = await arrive()
    const { session, commit } = await sessions.open(cookie)
    session.destroy()
    proxy.fault(losesAnswer())
    const { outcome } = await commit()
    // Both are possible: this write or a concurrent one was faster.
    expect(['destroyed', 'gone']).toContain(outcome)
    expect(await memcached.keys()).toEqual([])
  })

  test('all answers to a delete are lost, the outcome is unconfirmed', async () => {
    const cookie = await arrive()
    const { session, commit } = await sessions.open(cookie)
    session.destroy()
    proxy.fault({ answer: (_, { client }) => void client.resetAndDestroy() })
    expect(await commit()).toMatchObject({ outcome: 'unconfirmed', cookie: null })
  })

  const otherNumber: Fault = {
    answer(bytes, { client }) {
      const { otherOpaque } = changes[bytes[0] === 0x81 ? 'binary' : 'meta']
      client.write(otherOpaque(bytes))
    },
  }
  const faults: [string, () => Fault][] = [
    ['is frozen', () => frozen],
    ['does not answer', () => unanswered],
    ['hangs up', () => ({ begin: ({ client }) => void client.resetAndDestroy() })],
    ['is full', () => says('ERROR Too many open connections\r\n')],
    ['answers something else', () => otherNumber],
  ]
  test.each(faults)('memcached %s, no cookie is changed, by whatever', async (_, fault) => {
    const cookie = await arrive()
    const impatient = memcachedStore({
      servers: `127.0.0.1:${proxy.port}`,
      protocol,
      deadline: 100,
      connectDeadline: 100,
    })
    const away = createSessions<Data>({ store: impatient, secrets })
    const act = (headers: Record<string, string>, visit: (session: Session<Data>) => Response) =>
      away.handle(new Request('https://app.example/', { headers }), visit).catch((error) => {
        // `auto` cannot understand the answers, so it reports a wrong address.
        expect({ protocol, code: error.code }).toEqual({ protocol: 'auto', code: 'config' })
        return null
      })
    const known = { Cookie: cookie }
    proxy.fault(fault())
    const answers = await Promise.all([
      act(known, (session) => Response.json(session.data)),
      act(known, (session) => {
        session.data.visits = 7
        return new Response()
      }),
      act(known, (session) => {
        session.renew()
        return new Response()
      }),
      act(known, (session) => {
        session.destroy()
        return new Response()
      }),
      act({}, (session) => {
        session.data.visits = 1
        return new Response()
      }),
    ])
    // A sign-in and a sign-out that were not done are told; a change that was lost is not.
    for (const [at, status] of [200, 200, 503, 503, 200].entries()) {
      const answer = answers[at]
      if (answer === null) continue
      expect([at, answer?.status]).toEqual([at, status])
      expect(answer?.headers.getSetCookie()).toEqual([])
    }
    impatient.close()
  })
})
