import { byKeyWith, createSessions, sum } from '@coatcheck/core'
import type { Session, Sessions } from '@coatcheck/core'
import { expect, it } from 'vitest'
import { describeOnBoth } from './places.ts'
import type { Place } from './places.ts'
import { createVisitor, increment } from './visitor.ts'
import type { Visitor } from './visitor.ts'

type Data = Record<string, unknown>
type Handler = (session: Session<Data>) => void

const merge = { counter: sum, cart: byKeyWith(sum) }

const setUp = (place: Place, store = place.store): Sessions<Data> =>
  createSessions<Data>({ store, now: place.now, merge })

/** Two that share nothing but the store, as two processes do. */
const setUpTwo = (place: Place): readonly [Sessions<Data>, Sessions<Data>] => [
  setUp(place),
  setUp(place, place.another()),
]

async function signIn(sessions: Sessions<Data>): Promise<Visitor> {
  const visitor = createVisitor(sessions)
  await visitor.visit(increment)
  return visitor
}

/** Fifty requests of one session, in parallel, spread over the given sessions. */
async function fiftyTimes(
  all: readonly Sessions<Data>[],
  cookie: string,
  handler: (n: number) => Handler,
): Promise<void> {
  const requests = Array.from({ length: 50 }, (_, n) =>
    createVisitor(all[n % all.length] as Sessions<Data>, cookie).visit(handler(n)),
  )
  for (const { status } of await Promise.all(requests)) expect(status).toBe(200)
}

const addOwnKey =
  (n: number): Handler =>
  ({ data }) =>
    void (data[`own${n}`] = n)

describeOnBoth('fifty parallel requests of one session', (place) => {
  it('each with its own key: fifty are kept', async () => {
    const sessions = setUp(place)
    const visitor = await signIn(sessions)
    await fiftyTimes([sessions], visitor.cookie, addOwnKey)
    const { data } = await visitor.visit(() => {})
    expect(Object.keys(data as object)).toHaveLength(51)
  })

  it('each an increment: fifty are counted', async () => {
    const sessions = setUp(place)
    const visitor = await signIn(sessions)
    await fiftyTimes([sessions], visitor.cookie, () => increment)
    expect((await visitor.visit(() => {})).data).toEqual({ counter: 51 })
  })

  it('over two connections, each with its own key: fifty are kept', async () => {
    const all = setUpTwo(place)
    const visitor = await signIn(all[0])
    await fiftyTimes(all, visitor.cookie, addOwnKey)
    const { data } = await visitor.visit(() => {})
    expect(Object.keys(data as object)).toHaveLength(51)
  })

  it('over two connections, each an increment of one entry of a cart: fifty are counted', async () => {
    const all = setUpTwo(place)
    const visitor = await signIn(all[0])
    await fiftyTimes(all, visitor.cookie, (n) => ({ data }) => {
      const cart = (data['cart'] ??= {}) as Record<string, number>
      const item = n % 2 === 0 ? 'hat' : 'coat'
      cart[item] = (cart[item] ?? 0) + 1
    })
    expect((await visitor.visit(() => {})).data).toEqual({
      counter: 1,
      cart: { hat: 25, coat: 25 },
    })
  })
})

/**
 * Ends the session at a point of a slow request's life, a little later each time, while it is under way.
 * Returns how the slow request ended and what the old token is worth afterwards.
 */
async function raceOnce(place: Place, trial: number, slow: Handler, end: Handler): Promise<void> {
  const [here, there] = setUpTwo(place)
  const visitor = await signIn(here)
  const { cookie } = visitor
  const ending = visitor.visit(end)
  const slowly = createVisitor(there, cookie).visit(async (session) => {
    for (let ticks = 0; ticks < trial % 40; ticks++) await null
    slow(session)
    if (trial % 3 === 0) await new Promise(setImmediate)
  })
  const [answer] = await Promise.all([slowly, ending])
  expect(answer.status).toBe(200)
  const after = await createVisitor(here, cookie).visit(() => {})
  expect(after).toMatchObject({ state: 'new', data: {} })
}

async function race200(place: Place, slow: Handler, end: Handler): Promise<void> {
  for (let trial = 0; trial < 200; trial++) await raceOnce(place, trial, slow, end)
}

describeOnBoth('logout wins', (place) => {
  it('over a slow write, 200 times: the old token is dead, and no request failed', async () => {
    await race200(place, increment, (session) => session.destroy())
  })

  it('over a slow read, 200 times: the old token is dead, and no request failed', async () => {
    await race200(
      place,
      ({ data }) => void data['counter'],
      (session) => session.destroy(),
    )
  })

  it('renew over a slow write, 200 times: the old token is dead, and no request failed', async () => {
    await race200(place, increment, (session) => session.renew())
  })
})
