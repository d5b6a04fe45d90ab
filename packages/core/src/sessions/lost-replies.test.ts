import { describe, expect, it } from 'vitest'
import { after, passed, refused } from '../../test/fakes/context.ts'
import type { Fault } from '../../test/fakes/context.ts'
import { cookieOf, createWorld } from '../../test/fakes/world.ts'
import type { World } from '../../test/fakes/world.ts'
import type { Committed } from '../commit/committed.ts'
import { take } from '../data/take.ts'
import { sum } from '../rules/resolvers.ts'
import type { Sessions } from './sessions.ts'

interface Data {
  n?: number
  own?: number
  x?: string
}

const told = (committing: Promise<Committed>): Promise<string> =>
  committing.then(
    ({ outcome }) => outcome,
    (error: { code?: string; message: string }) => `error ${error.code ?? error.message}`,
  )

/** Times out now, and is carried out when `arrive` is called. */
function late(): { fault: Fault; arrive: () => Promise<unknown> } {
  let run: () => Promise<unknown> = () => Promise.reject(new Error('never sent'))
  return {
    fault: (carryOut) => {
      run = carryOut
      return Promise.reject(new Error('timed out'))
    },
    async arrive() {
      const arriving = run
      run = async () => {}
      await arriving()
    },
  }
}

async function begin(sessions: Sessions<Data>, data: Data): Promise<string> {
  const begun = await sessions.open('')
  Object.assign(begun.session.data, data)
  const cookie = cookieOf(await begun.commit())
  await (await sessions.open(cookie)).commit()
  return cookie
}

const setUpFault: Fault = () =>
  Promise.reject(Object.assign(new Error('wrong password'), { code: 'auth', status: 401 }))

/** A schema that throws at one call, as one that asks a service does. */
function createFlakySchema(): {
  readonly schema: object
  readonly throwAt: (call: number) => void
} {
  let left = -1
  const validate = (value: Data) => {
    if (left-- === 0) throw new Error('the schema is down')
    return { value }
  }
  return {
    throwAt: (call) => (left = call),
    schema: { '~standard': { version: 1, vendor: 'test', validate } },
  }
}

/** Two requests whose commits share a write; one of them adds. */
async function beginBatch() {
  const world = createWorld<Data>({ merge: { n: sum } })
  const { schema, throwAt } = createFlakySchema()
  const sessions = world.make({ schema })
  const cookie = await begin(sessions, { n: 1 })
  const other = await sessions.open(cookie)
  const adding = await sessions.open(cookie)
  other.session.data.own = 1
  adding.session.data.n = 2
  return { world, cookie, other, adding, throwAt }
}

const valueOf = async ({ make }: World<Data>, cookie: string): Promise<number | undefined> =>
  (await make().open(cookie)).session.data.n

describe('an edit that adds is applied once', () => {
  it('by a rotation whose forward arrives while it takes its own hold for that of another', async () => {
    const world = createWorld<Data>({ merge: { n: sum } })
    const { make, store, clock } = world
    const sessions = make()
    const cookie = await begin(sessions, { n: 1 })
    clock.now += 601_000
    const { session, commit } = await sessions.open(cookie)
    session.data.n = 2
    const forward = late()
    store.fail('save', passed, forward.fault, refused, refused, refused, refused)
    // After the hold, the forward and four more holds.
    const arrival = after(() => store.elsewhere(forward.arrive))
    store.fail('load', ...Array.from({ length: 6 }, () => passed), arrival)
    expect(await told(commit())).toBe('unavailable')
    expect(await valueOf(world, cookie)).toBe(2)
  })

  it('by the rest of a batch whose save is late, if the release of the rotation throws', async () => {
    const world = createWorld<Data>({ merge: { n: sum } })
    const { make, store, clock } = world
    const [here, there] = [make(), make()]
    const cookie = await begin(here, { n: 1, x: 'once' })
    clock.now += 601_000
    const taking = await here.open(cookie)
    const adding = await here.open(cookie)
    take(taking.session.data, 'x')
    taking.session.data.own = 1
    adding.session.data.n = 2
    await store.elsewhere(async () => {
      const other = await there.open(cookie, { touch: false })
      take(other.session.data, 'x')
      expect((await other.commit()).outcome).toBe('saved')
    })
    const save = late()
    store.fail('save', passed, passed, save.fault, setUpFault)
    store.fail('load', passed, passed, refused)
    const outcomes = await Promise.all([told(taking.commit()), told(adding.commit())])
    expect(outcomes[1]).toBe('unavailable')
    await store.elsewhere(save.arrive)
    await told(adding.commit())
    expect(await valueOf(world, cookie)).toBe(2)
  })

  it('by a batch in which the late save has an edit that the next try cannot replay', async () => {
    const { world, cookie, other, adding, throwAt } = await beginBatch()
    const { store } = world
    const save = late()
    const arrival = after(() => store.elsewhere(save.arrive))
    store.fail(
      'save',
      (run) => {
        // After the call that shapes what is read, and the one for the other edit.
        throwAt(2)
        return save.fault(run)
      },
      arrival,
    )
    const outcomes = await Promise.all([told(other.commit()), told(adding.commit())])
    expect(outcomes).toEqual(['unavailable', 'unavailable'])
    await store.elsewhere(save.arrive)
    await told(adding.commit())
    expect(await valueOf(world, cookie)).toBe(2)
  })
})

it('does not call an edit saved that the late save of a batch did not have', async () => {
  const { world, cookie, other, adding, throwAt } = await beginBatch()
  const { store } = world
  const save = late()
  store.fail(
    'save',
    save.fault,
    after(() => store.elsewhere(save.arrive)),
  )
  const committing = [other.commit(), adding.commit()].map(told)
  // Both plans have been accepted; the next calls are for the replays of the two edits.
  throwAt(1)
  const outcomes = await Promise.all(committing)
  expect(await valueOf(world, cookie)).toBe(1)
  expect(outcomes).toEqual(['unavailable', expect.stringMatching(/^error /)])
})

it('calls a renewal unavailable if its mark may arrive, though its edit can no longer be replayed', async () => {
  let isRefusing = false
  const validate = (value: Data) =>
    isRefusing && value.own === 1 ? { issues: [{ message: 'no', path: ['own'] }] } : { value }
  const { make, store } = createWorld<Data>()
  const sessions = make({ schema: { '~standard': { version: 1, vendor: 'test', validate } } })
  const cookie = await begin(sessions, { n: 1 })
  const { session, commit } = await sessions.open(cookie)
  session.renew()
  session.data.own = 1
  const mark = late()
  store.fail(
    'save',
    (run) => {
      isRefusing = true
      return mark.fault(run)
    },
    ...Array.from({ length: 4 }, () => refused),
  )
  expect(await told(commit())).toBe('unavailable')
})
