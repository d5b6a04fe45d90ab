import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { NextRequest } from 'next/server.js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Handovers } from './handovers.ts'
import { serveProxy } from './proxy.ts'
import { RequestSession } from './request-session.ts'
import { shareByName } from './shared.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const sessions = createSessions({ store: memoryStore() })
const handovers = new Handovers(() => sessions)

/** What a proxy leaves that has loaded the session. */
async function loaded(cookies: string | null): Promise<RequestSession> {
  const session = new RequestSession(() => sessions, cookies)
  await session.read()
  return session
}

it('gives what was left, once', async () => {
  const session = await loaded('sid=1')
  const name = handovers.leave(session)
  expect(handovers.take(name, 'sid=1')).toBe(session)
  expect(await handovers.take(name, 'sid=1').shown()).toBeNull()
})

it('gives nothing to a request with other cookies, or none, and keeps it for the right one', async () => {
  const session = await loaded('sid=1')
  const name = handovers.leave(session)
  expect(await handovers.take(name, 'sid=2').shown()).toBeNull()
  expect(await handovers.take(name, null).shown()).toBeNull()
  expect(handovers.take(name, 'sid=1')).toBe(session)
})

it('gives nothing for a name that nothing was left under', async () => {
  for (const name of ['', crypto.randomUUID(), '__proto__']) {
    expect(await handovers.take(name, null).shown()).toBeNull()
  }
})

it('gives every session a name of its own', async () => {
  const session = await loaded(null)
  const names = Array.from({ length: 100 }, () => handovers.leave(session))
  expect(new Set(names).size).toBe(100)
})

it('forgets after ten seconds what no request asked for', async () => {
  const own = new Handovers(() => sessions)
  own.leave(await loaded(null))
  vi.advanceTimersByTime(9_999)
  expect(own.size).toBe(1)
  vi.advanceTimersByTime(1)
  expect(own.size).toBe(0)
})

it('says private for a name that is unknown, as the proxy behind it may have asked', async () => {
  const unknown = await handovers.take(crypto.randomUUID(), null).told
  expect(unknown?.applyTo(new Response()).headers.get('Cache-Control')).toBe('private')
  expect(handovers.take(null, null).told).toBeNull()
})

describe('F4: a proxy that reads the session of 4,000 requests, and pages that never ask', () => {
  async function pass(maxBytes: number) {
    const big = createSessions<{ cart: string }>({ store: memoryStore(), maxBytes })
    const { session, commit } = await big.open(null)
    session.data.cart = 'x'.repeat(50_000)
    const { cookie } = await commit()
    const headers = { Cookie: `${cookie?.name}=${cookie?.value}` }
    const shared = shareByName(`f4-${maxBytes}`, () => big)
    const read = async (): Promise<void> => void (await shared.current.getStore()?.get())
    const names: (string | null)[] = []
    let most = 0
    for (let n = 0; n < 4000; n++) {
      const request = new NextRequest('http://localhost/', { headers })
      const response = await serveProxy(shared, request, read, {})
      names.push(response.headers.get(`x-middleware-request-${shared.header}`))
      most = Math.max(most, shared.handovers.size)
    }
    const cartOf = async (name: string | null | undefined): Promise<unknown> => {
      const request = shared.handovers.take(name ?? null, headers.Cookie)
      const isLoaded = (await request.shown()) !== null
      const { data } = await (await request.read()).get()
      return [isLoaded, (data as { cart: string }).cart.length]
    }
    return { most, oldest: await cartOf(names[0]), newest: await cartOf(names.at(-1)) }
  }

  it.each([
    ['16 MiB at most', 65_536, 256],
    ['fewer if sessions may be larger', 1_000_000, 16],
  ])('keeps the newest: %s', async (_what, maxBytes, count) => {
    const { most, oldest, newest } = await pass(maxBytes)
    expect(most).toBe(count)
    expect(oldest).toEqual([false, 50_000])
    expect(newest).toEqual([true, 50_000])
  })

  it('keeps 1,000 at most, however small they may be', async () => {
    const small = new Handovers(() => createSessions({ store: memoryStore(), maxBytes: 256 }))
    const session = await loaded(null)
    for (let n = 0; n < 4000; n++) small.leave(session)
    expect(small.size).toBe(1000)
  })
})
