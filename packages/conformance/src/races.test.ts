import { byKeyWith, createSessions, sum } from '@coatcheck/core'
import type { Session, Sessions, SessionStore } from '@coatcheck/core'
import { expect, it } from 'vitest'
import { describeOnAll } from './backends.ts'
import type { Backend } from './backends.ts'
import { createGate, createVisitor, increment } from './visitor.ts'
import type { Visitor } from './visitor.ts'

type Data = Record<string, unknown>
type Handler = (session: Session<Data>) => void

const merge = { counter: sum, cart: byKeyWith(sum) }

const setUp = (backend: Backend, store = backend.store): Sessions<Data> =>
  createSessions<Data>({ store, testing: { now: backend.now }, merge })

/** Two instances that share only the store, like two processes. */
const setUpTwo = (backend: Backend): readonly [Sessions<Data>, Sessions<Data>] => [
  setUp(backend),
  setUp(backend, backend.another()),
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

describeOnAll('fifty parallel requests of one session', (backend) => {
  it('each with its own key: fifty are kept', async () => {
    expect(Object.keys(await fiftyTimes([setUp(backend)], addOwnKey))).toHaveLength(51)
  })

  it('each an increment: fifty are counted', async () => {
    expect(await fiftyTimes([setUp(backend)], () => increment)).toEqual({ counter: 51 })
  })

  it('over two connections, each with its own key: fifty are kept', async () => {
    expect(Object.keys(await fiftyTimes(setUpTwo(backend), addOwnKey))).toHaveLength(51)
  })

  it('over two connections, each an increment of one entry of a cart: fifty are counted', async () => {
    const data = await fiftyTimes(setUpTwo(backend), addToCart)
    expect(data).toEqual({ counter: 1, cart: { hat: 25, coat: 25 } })
  })
})

/**
 * Ends the session at a point of a slow request's life, another point each time. Returns whether the old
 * token still leads anywhere.
 */
async function survives(
  backend: Backend,
  trial: number,
  slow: Handler,
  end: Handler,
): Promise<boolean> {
  const [here, there] = setUpTwo(backend)
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

async function survivorsOf200(backend: Backend, slow: Handler, end: Handler): Promise<number> {
  let survivors = 0
  for (let trial = 0; trial < 200; trial++) {
    if (await survives(backend, trial, slow, end)) survivors++
  }
  return survivors
}

const read: Handler = ({ data }) => void data['counter']
const destroy: Handler = (session) => session.destroy()
const renew: Handler = (session) => session.renew()

describeOnAll('logout wins', (backend) => {
  it('over a slow write, 200 times: the old token is dead, and no request failed', async () => {
    expect(await survivorsOf200(backend, increment, destroy)).toBe(0)
  })

  it('over a slow read, 200 times: the old token is dead, and no request failed', async () => {
    expect(await survivorsOf200(backend, read, destroy)).toBe(0)
  })

  it('renew over a slow write, 200 times: the old token is dead, and no request failed', async () => {
    expect(await survivorsOf200(backend, increment, renew)).toBe(0)
  })
})

describeOnAll('these checks notice', (backend) => {
  it('a store that saves whatever version it is given: updates are lost', async () => {
    const faulty = plantSave(backend, async (id, bytes, expiresAt) => {
      for (;;) {
        const found = await backend.store.load(id)
        if (found === null) return 'missing'
        const result = await backend.store.save(id, bytes, expiresAt, found.version)
        if (result !== 'conflict') return result
      }
    })
    expect(Object.keys(await fiftyTimes(setUpTwo(faulty), addOwnKey)).length).toBeLessThan(51)
  })

  it('a store whose save creates: ended sessions come back', async () => {
    const faulty = plantSave(backend, async (id, bytes, expiresAt, version) => {
      const result = await backend.store.save(id, bytes, expiresAt, version)
      if (result !== 'missing') return result
      return (await backend.store.create(id, bytes, expiresAt)) ? 'saved' : 'conflict'
    })
    expect(await survivorsOf200(faulty, increment, destroy)).toBeGreaterThan(0)
  })
})

function plantSave(backend: Backend, save: SessionStore['save']): Backend {
  const store = { ...backend.store, save }
  return { ...backend, store, another: () => store }
}
