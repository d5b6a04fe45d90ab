import { byKeyWith, createSessions, sum } from '@coatcheck/core'
import type { Session, Sessions, SessionStore } from '@coatcheck/core'
import { expect, it } from 'vitest'
import { describeOnBoth } from './places.ts'
import type { Place } from './places.ts'
import { createGate, createVisitor, increment } from './visitor.ts'
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

/** Fifty requests of one session, in parallel, spread over the given sessions. Returns the data after. */
async function fiftyTimes(
  all: readonly Sessions<Data>[],
  handler: (n: number) => Handler,
): Promise<Data> {
  const [first] = all as [Sessions<Data>]
  const visitor = await signIn(first)
  const gate = createGate()
  let waiting = 0
  const requests = Array.from({ length: 50 }, (_, n) =>
    createVisitor(all[n % all.length] as Sessions<Data>, visitor.cookie).visit(async (session) => {
      // All of them have loaded the session before the first one saves it.
      if (++waiting === 50) gate.open()
      await gate.opened
      handler(n)(session)
    }),
  )
  for (const { status } of await Promise.all(requests)) expect(status).toBe(200)
  return (await visitor.visit(() => {})).data as Data
}

const addOwnKey =
  (n: number): Handler =>
  ({ data }) =>
    void (data[`own${n}`] = n)

const addToCart =
  (n: number): Handler =>
  ({ data }) => {
    const cart = (data['cart'] ??= {}) as Record<string, number>
    const item = n % 2 === 0 ? 'hat' : 'coat'
    cart[item] = (cart[item] ?? 0) + 1
  }

describeOnBoth('fifty parallel requests of one session', (place) => {
  it('each with its own key: fifty are kept', async () => {
    expect(Object.keys(await fiftyTimes([setUp(place)], addOwnKey))).toHaveLength(51)
  })

  it('each an increment: fifty are counted', async () => {
    expect(await fiftyTimes([setUp(place)], () => increment)).toEqual({ counter: 51 })
  })

  it('over two connections, each with its own key: fifty are kept', async () => {
    expect(Object.keys(await fiftyTimes(setUpTwo(place), addOwnKey))).toHaveLength(51)
  })

  it('over two connections, each an increment of one entry of a cart: fifty are counted', async () => {
    const data = await fiftyTimes(setUpTwo(place), addToCart)
    expect(data).toEqual({ counter: 1, cart: { hat: 25, coat: 25 } })
  })
})

/**
 * Ends the session at a point of a slow request's life, another point each time. Returns whether the old
 * token still leads anywhere.
 */
async function survives(
  place: Place,
  trial: number,
  slow: Handler,
  end: Handler,
): Promise<boolean> {
  const [here, there] = setUpTwo(place)
  const visitor = await signIn(here)
  const { cookie } = visitor
  const ending = visitor.visit(end)
  const slowly = createVisitor(there, cookie).visit(async (session) => {
    for (let turn = 0; turn < trial % 10; turn++) await new Promise(setImmediate)
    slow(session)
  })
  const [answer] = await Promise.all([slowly, ending])
  expect(answer.status).toBe(200)
  const after = await createVisitor(here, cookie).visit(() => {})
  return after.state !== 'new'
}

async function survivorsOf200(place: Place, slow: Handler, end: Handler): Promise<number> {
  let survivors = 0
  for (let trial = 0; trial < 200; trial++) {
    if (await survives(place, trial, slow, end)) survivors++
  }
  return survivors
}

const read: Handler = ({ data }) => void data['counter']
const destroy: Handler = (session) => session.destroy()
const renew: Handler = (session) => session.renew()

describeOnBoth('logout wins', (place) => {
  it('over a slow write, 200 times: the old token is dead, and no request failed', async () => {
    expect(await survivorsOf200(place, increment, destroy)).toBe(0)
  })

  it('over a slow read, 200 times: the old token is dead, and no request failed', async () => {
    expect(await survivorsOf200(place, read, destroy)).toBe(0)
  })

  it('renew over a slow write, 200 times: the old token is dead, and no request failed', async () => {
    expect(await survivorsOf200(place, increment, renew)).toBe(0)
  })
})

describeOnBoth('these checks would notice', (place) => {
  it('a store that saves whatever version it is given: updates are lost', async () => {
    const faulty = plantSave(place, async (id, bytes, expiresAt) => {
      for (;;) {
        const found = await place.store.load(id)
        if (found === null) return 'missing'
        const result = await place.store.save(id, bytes, expiresAt, found.version)
        if (result !== 'conflict') return result
      }
    })
    expect(Object.keys(await fiftyTimes(setUpTwo(faulty), addOwnKey)).length).toBeLessThan(51)
  })

  it('a store whose save creates: the dead come back', async () => {
    const faulty = plantSave(place, async (id, bytes, expiresAt, version) => {
      const result = await place.store.save(id, bytes, expiresAt, version)
      if (result !== 'missing') return result
      return (await place.store.create(id, bytes, expiresAt)) ? 'saved' : 'conflict'
    })
    expect(await survivorsOf200(faulty, increment, destroy)).toBeGreaterThan(0)
  })
})

function plantSave(place: Place, save: SessionStore['save']): Place {
  const store = { ...place.store, save }
  return { ...place, store, another: () => store, memcached: null }
}
