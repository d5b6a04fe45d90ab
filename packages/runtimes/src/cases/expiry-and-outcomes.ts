import type { Case } from '../case.ts'
import { equal, fails, holds } from '../check.ts'
import { setUp } from '../desk.ts'
import type { Desk } from '../desk.ts'

const one = ({ data }: { readonly data: Record<string, unknown> }): void => void (data['a'] = 1)
const two = ({ data }: { readonly data: Record<string, unknown> }): void => void (data['a'] = 2)
const signIn = (session: { readonly signIn: (subject: string) => void }): void =>
  session.signIn('ada')
const hour = 3_600_000

/** Seconds that pass after a sign-in, each followed by a request, and the state of the last one. */
const lives: readonly [what: string, lifetime: object, passed: readonly number[], state: string][] =
  [
    ['lives on within its idle time', { idle: 100 }, [99], 'live'],
    ['ends after its idle time', { idle: 100 }, [101], 'new'],
    ['lives on by being used', { idle: 100 }, [99, 99, 99], 'live'],
    ['ends at its absolute end, used or not', { idle: 100, absolute: 250 }, [99, 99, 99], 'new'],
    ['that signed in does not end as an anonymous one', { unused: 10 }, [11], 'live'],
  ]

type Act = (desk: Desk, cookie: string) => Promise<string>

/** What a visitor with a session does, and the outcome. */
const outcomes: readonly [outcome: string, what: string, act: Act][] = [
  ['unchanged', 'nothing', async ({ visit }, cookie) => (await visit(cookie)).committed.outcome],
  [
    'unchanged',
    'the same value again',
    async ({ visit }, cookie) => (await visit(cookie, one)).committed.outcome,
  ],
  ['saved', 'a change', async ({ visit }, cookie) => (await visit(cookie, two)).committed.outcome],
  [
    'saved',
    'a change in an array',
    async ({ visit }, cookie) => {
      await visit(cookie, ({ data }) => void (data['list'] = [1]))
      return (await visit(cookie, ({ data }) => void (data['list'] as number[]).push(2))).committed
        .outcome
    },
  ],
  [
    'discarded',
    'a change that is discarded',
    async ({ visit }, cookie) =>
      (await visit(cookie, (session) => (two(session), session.discard()))).committed.outcome,
  ],
  [
    'renewed',
    'a sign-in',
    async ({ visit }, cookie) => (await visit(cookie, signIn)).committed.outcome,
  ],
  [
    'renewed',
    'a renewal',
    async ({ visit }, cookie) => (await visit(cookie, (s) => s.renew())).committed.outcome,
  ],
  [
    'destroyed',
    'a sign-out',
    async ({ visit }, cookie) => (await visit(cookie, (s) => s.destroy())).committed.outcome,
  ],
  [
    'destroyed',
    'sessions.destroy',
    async ({ sessions }, cookie) => (await sessions.destroy(cookie)).outcome,
  ],
  [
    'created',
    'a change under an old token',
    async ({ visit }, cookie) => {
      await visit(cookie, (session) => session.destroy())
      return (await visit(cookie, one)).committed.outcome
    },
  ],
  [
    'gone',
    'a change that ends after a sign-out',
    async ({ sessions, visit }, cookie) => {
      const late = await sessions.open(cookie)
      await visit(cookie, (session) => session.destroy())
      two(late.session)
      return (await late.commit()).outcome
    },
  ],
  [
    'moved',
    'a change that ends after a sign-in',
    async ({ sessions, visit }, cookie) => {
      const late = await sessions.open(cookie)
      await visit(cookie, signIn)
      two(late.session)
      return (await late.commit()).outcome
    },
  ],
  [
    'created',
    'a sign-in that ends after a sign-out',
    async ({ sessions, visit }, cookie) => {
      const late = await sessions.open(cookie)
      await visit(cookie, (session) => session.destroy())
      late.session.signIn('ada')
      return (await late.commit()).outcome
    },
  ],
]

export const expiryAndOutcomes: readonly Case[] = [
  ...lives.map(([what, lifetime, passed, state]): Case => ({
    feature: 'expiry',
    name: `a session ${what}`,
    async run(world) {
      const { visit, clock } = setUp(world, { lifetime })
      const { cookie } = await visit('', signIn)
      let found = ''
      for (const seconds of passed) {
        clock.now += seconds * 1000
        found = (await visit(cookie)).state
      }
      equal(found, state)
    },
  })),
  {
    feature: 'expiry',
    name: 'an anonymous session whose cookie never comes back ends early',
    async run(world) {
      const { visit, clock } = setUp(world, { lifetime: { unused: 10 } })
      const { cookie } = await visit('', one)
      clock.now += 11_000
      equal((await visit(cookie)).state, 'new')
    },
  },
  {
    feature: 'expiry',
    name: 'a request that does not touch does not move the idle end',
    async run(world) {
      const { sessions, visit, clock } = setUp(world, { lifetime: { idle: 100 } })
      const { cookie } = await visit('', signIn)
      clock.now += 99_000
      await (await sessions.open(cookie, { touch: false })).commit()
      clock.now += 2000
      equal((await visit(cookie)).state, 'new')
    },
  },
  {
    feature: 'expiry',
    name: 'a token is rotated by age, and the old one leads to it for 15 seconds',
    async run(world) {
      const { visit, clock } = setUp(world, { lifetime: { rotate: 60 } })
      const { cookie } = await visit('', one)
      clock.now += 61_000
      const rotated = await visit(cookie)
      equal(rotated.committed.outcome, 'rotated')
      holds(rotated.cookie !== cookie, 'another token')
      clock.now += 14_000
      equal((await visit(cookie)).data, { a: 1 })
      clock.now += 2000
      equal((await visit(cookie)).state, 'new')
      equal((await visit(rotated.cookie)).data, { a: 1 })
    },
  },
  {
    feature: 'expiry',
    name: 'requireFresh asks for a sign-in that is not old',
    async run(world) {
      const { sessions, visit, clock } = setUp(world)
      const { cookie } = await visit('', signIn)
      clock.now += hour / 2
      const { session } = await sessions.open(cookie)
      session.requireFresh(3600)
      await fails(() => session.requireFresh(60), 'not-fresh')
    },
  },
  ...outcomes.map(([outcome, what, act]): Case => ({
    feature: 'outcomes',
    name: `${what}: ${outcome}`,
    async run(world) {
      const desk = setUp(world)
      const { cookie } = await desk.visit('', one)
      equal(await act(desk, cookie), outcome)
    },
  })),
  {
    feature: 'outcomes',
    name: 'a sign-in gives a new token, and the old one finds nothing',
    async run(world) {
      const { visit } = setUp(world)
      const before = await visit('', one)
      const after = await visit(before.cookie, signIn)
      holds(after.cookie !== before.cookie, 'another token')
      equal((await visit(before.cookie)).state, 'new')
      equal((await visit(after.cookie)).data, { a: 1 })
    },
  },
  {
    feature: 'outcomes',
    name: 'the sessions of a subject are listed, and ended one by one or all at once',
    async run(world) {
      const { sessions, visit } = setUp(world)
      const cookies = [await visit('', signIn), await visit('', signIn), await visit('', signIn)]
      const listed = await sessions.list('ada')
      equal(listed.length, 3)
      equal(await sessions.end('ada', listed[0]!.ref), 'revoked')
      equal((await sessions.list('ada')).length, 2)
      equal(await sessions.revoke('ada'), 'revoked')
      for (const { cookie } of cookies) equal((await visit(cookie)).state, 'new')
    },
  },
]
