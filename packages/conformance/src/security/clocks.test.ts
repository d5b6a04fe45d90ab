import { createSessions } from '@coatcheck/core'
import type { Session, Sessions } from '@coatcheck/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../engines.ts'
import type { EngineServer } from '../engines.ts'
import { openStore } from '../open-store.ts'
import type { OpenedStore } from '../open-store.ts'
import { createVisitor, increment } from '../visitor.ts'

type Data = Record<string, unknown>

const minute = 60_000
const hour = 60 * minute
const nothing = (): void => {}
const signIn = (session: Session<Data>): void => session.signIn('ann')

/** Five minutes behind, on time, ten seconds and five minutes ahead. */
const offsets = [-5 * minute, 0, minute / 6, 5 * minute]

describe.each(engines)('nodes whose clocks are five minutes off, on one $name', ({ start }) => {
  let server: EngineServer
  const stores: OpenedStore[] = []
  beforeAll(async () => void (server = await start()))
  afterAll(async () => {
    for (const store of stores) store.close()
    await server.end()
  })

  /** How far all clocks have gone on since. */
  let ahead = 0
  function node(offset: number): Sessions<Data> {
    const now = (): number => Date.now() + ahead + offset
    const store = openStore(server.url, { deadline: 5000, now })
    stores.push(store)
    return createSessions<Data>({
      store,
      testing: { now },
      secrets: ['a secret of thirty-two bytes, or so'],
      lifetime: { rotate: 3600, idle: 20 * 3600 },
    })
  }
  const pairs = (): readonly [Sessions<Data>, Sessions<Data>, number][] =>
    offsets.flatMap((from) =>
      offsets.map((to): [Sessions<Data>, Sessions<Data>, number] => [
        node(from),
        node(to),
        to - from,
      ]),
    )
  const see = async (sessions: Sessions<Data>, cookie: string): Promise<string> =>
    (await sessions.open(cookie)).session.state

  it('T11: load, save and end each other’s sessions', async () => {
    for (const [from, to] of pairs()) {
      const visitor = createVisitor(from)
      await visitor.visit(signIn)
      expect(await createVisitor(to, visitor.cookie).visit(increment)).toMatchObject({
        state: 'live',
      })
      expect(await visitor.visit(increment)).toMatchObject({ state: 'live', data: { counter: 2 } })
      const leaving = createVisitor(to, visitor.cookie)
      await leaving.visit((session) => session.destroy())
      expect(await see(from, visitor.cookie)).toBe('new')
    }
  })

  it('T11: give the server the same time to live: the idle end depends on the server’s clock alone', async () => {
    for (const [from, to] of pairs()) {
      const visitor = createVisitor(from)
      await visitor.visit(signIn)
      const { session } = await to.open(visitor.cookie)
      const ttl = (await server.ttl(`coatcheck:${session.id}`)) as number
      expect(Math.abs(ttl - 20 * 3600)).toBeLessThan(60)
    }
  })

  it('T11: see the absolute end too early or too late by at most the difference of their clocks', async () => {
    for (const [from, to, apart] of pairs()) {
      ahead = 0
      const visitor = createVisitor(from)
      await visitor.visit(signIn)
      ahead = 24 * hour - apart - minute
      expect(await see(to, visitor.cookie)).toBe('live')
      ahead = 24 * hour - apart + minute
      expect(await see(to, visitor.cookie)).toBe('new')
      ahead = 0
    }
  })

  it('T11: a rotation on any of them logs no visitor out', async () => {
    for (const [from, to, apart] of pairs()) {
      ahead = 0
      const visitor = createVisitor(from)
      await visitor.visit(signIn)
      const old = visitor.cookie
      ahead = hour
      await visitor.visit(nothing)
      expect(visitor.cookie).not.toBe(old)
      expect(await see(to, visitor.cookie)).toBe('live')
      // A request under way with the old token: unknown by a clock too far ahead, and then no cookie is touched.
      const tab = createVisitor(to, old)
      const { state } = await tab.visit(nothing)
      const isFollowed = apart <= 15_000
      expect([state, tab.cookie]).toEqual(isFollowed ? ['live', visitor.cookie] : ['new', old])
      ahead = 0
    }
  })

  it('T11: make a sign-in at most as much fresher as they are apart', async () => {
    for (const [from, to, apart] of pairs()) {
      ahead = 0
      const visitor = createVisitor(from)
      await visitor.visit(signIn)
      ahead = 10 * minute - apart + minute
      const { session } = await to.open(visitor.cookie)
      expect(() => session.requireFresh(600)).toThrow(/signed in too long ago/)
      ahead = 0
    }
  })
})
