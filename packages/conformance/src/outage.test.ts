import { createSessions } from '@coatcheck/core'
import type { Session, SessionEvent, Sessions } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import type { EngineServer } from './engines.ts'
import { openStore } from './open-store.ts'
import type { OpenedStore } from './open-store.ts'
import { createVisitor, increment } from './visitor.ts'

type Data = Record<string, unknown>

describe.each(engines)('S37, T2: an outage of $name is not a logout', ({ start }) => {
  let server: EngineServer
  let store: OpenedStore
  let events: SessionEvent[]
  let sessions: Sessions<Data>

  beforeEach(async () => {
    server = await start()
    store = openStore(server.url)
    events = []
    sessions = createSessions<Data>({ store, onEvent: (event) => events.push(event) })
  })

  afterEach(async () => {
    store.close()
    await server.end()
  })

  it('killed: requests are answered, unavailable, without Set-Cookie', async () => {
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const { cookie } = visitor
    await server.kill()
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => createVisitor(sessions, cookie).visit(increment)),
    )
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 200, state: 'unavailable', setCookies: [] })
    }
    expect(events.filter(({ type }) => type === 'token.unknown')).toEqual([])
  })

  it('frozen: the same, and the session lives on after the thaw', async () => {
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    server.pause()
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => createVisitor(sessions, visitor.cookie).visit(increment)),
    )
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 200, state: 'unavailable', setCookies: [] })
    }
    server.resume()
    expect(await eventually(() => visitor.visit(() => {}), 'live')).toMatchObject({
      data: { counter: 1 },
      setCookies: [],
    })
  })

  it('started again, empty: the cookie begins anew, under a new token', async () => {
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const old = visitor.cookie
    await server.restart()
    const answer = await eventually(() => visitor.visit(() => {}), 'new')
    expect(answer.setCookies).toEqual([])
    expect((await visitor.visit(increment)).data).toEqual({ counter: 1 })
    expect(visitor.cookie).not.toBe(old)
  })

  it('a new visitor gets no cookie that leads nowhere', async () => {
    await server.kill()
    const visitor = createVisitor(sessions)
    expect(await visitor.visit(increment)).toMatchObject({ state: 'new', setCookies: [] })
  })

  it('a logout that did not reach it says so, and leaves the cookie', async () => {
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const { session, commit } = await sessions.open(visitor.cookie)
    await server.kill()
    session.destroy()
    expect(await commit()).toMatchObject({ outcome: 'unconfirmed', cookie: null })
  })

  it('S86: a save across a restart is gone, though versions begin again', async () => {
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const { session, commit } = await sessions.open(visitor.cookie)
    await server.restart()
    await eventually(() => createVisitor(sessions).visit(increment), 'new')
    session.data['late'] = 1
    expect(['gone', 'unavailable']).toContain((await commit()).outcome)
    expect((await createVisitor(sessions, visitor.cookie).visit(() => {})).state).toBe('new')
  })

  it('onFailure answers instead of the handler, whose work was not saved', async () => {
    const request = new Request('https://app.example/')
    const answer = (): Promise<Response> =>
      sessions.handle(
        request,
        (session) => {
          increment(session)
          return new Response('welcome')
        },
        { onFailure: ({ outcome }) => new Response(outcome, { status: 503 }) },
      )
    expect(await (await answer()).text()).toBe('welcome')
    await server.kill()
    const failed = await answer()
    expect([failed.status, await failed.text()]).toEqual([503, 'unavailable'])
    expect(failed.headers.getSetCookie()).toEqual([])
  })

  it('a sign-in and a sign-out that were not done are answered with 503, a lost change is not', async () => {
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const { cookie } = visitor
    const answer = (act: (session: Session<Data>) => void): Promise<Response> =>
      sessions.handle(
        new Request('https://app.example/', { headers: { Cookie: cookie } }),
        (session) => {
          act(session)
          return new Response('done')
        },
      )
    await server.kill()
    for (const [act, what] of [
      [(session: Session<Data>) => session.signIn('ann'), 'You could not be signed in'],
      [(session: Session<Data>) => session.renew(), 'Your session could not be renewed'],
      [(session: Session<Data>) => session.destroy(), 'You could not be signed out'],
    ] as const) {
      const failed = await answer(act)
      expect(failed.status).toBe(503)
      expect(failed.headers.get('Retry-After')).toBe('5')
      expect(failed.headers.getSetCookie()).toEqual([])
      expect(await failed.text()).toContain(what)
    }
    const lost = await answer(increment)
    expect([lost.status, await lost.text()]).toEqual([200, 'done'])
  })

  it("unavailable: 'throw' rejects instead, with an error that says what to answer", async () => {
    const strict = createSessions<Data>({ store, unavailable: 'throw' })
    const visitor = createVisitor(strict)
    await visitor.visit(increment)
    await server.kill()
    await expect(visitor.visit(increment)).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('rule 8: memcached without cas (-C)', () => {
  it('is a configuration error in every request, never a silent overwrite', async () => {
    const bare = await startMemcached({ args: ['-C'] })
    const without = memcachedStore({ servers: bare.address })
    const visitor = createVisitor(createSessions<Data>({ store: without }))
    await visitor.visit(increment)
    await expect(visitor.visit(increment)).rejects.toMatchObject({ code: 'config' })
    without.close()
    await bare.kill()
  })
})

/** Asks again, up to 50 times, until the store is reached again. */
async function eventually(
  visit: () => ReturnType<ReturnType<typeof createVisitor>['visit']>,
  state: string,
): ReturnType<ReturnType<typeof createVisitor>['visit']> {
  for (let tries = 0; tries < 50; tries++) {
    const answer = await visit()
    if (answer.state === state) return answer
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the store did not become ${state} within 50 tries`)
}
