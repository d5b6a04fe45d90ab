import { describe, expect, it } from 'vitest'
import { after, lost, passed, refused } from '../../test/fakes/context.ts'
import { cookieOf, createWorld } from '../../test/fakes/world.ts'
import type { World } from '../../test/fakes/world.ts'
import type { Committed } from '../commit/committed.ts'
import { sum } from '../rules/resolvers.ts'
import type { Sessions } from './sessions.ts'

interface Data {
  n?: number
  own?: number
  secret?: string
}

const refusesAll = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: object) =>
      Object.keys(value).length === 0 ? { value } : { issues: [{ message: 'no' }] },
  },
} as const

async function signIn(sessions: Sessions<Data>, subject = 'ada', data: Data = {}): Promise<string> {
  const { session, commit } = await sessions.open('')
  session.signIn(subject)
  Object.assign(session.data, data)
  return cookieOf(await commit())
}

function sealed(store: object): object {
  return { store: { ...store, inProcess: false }, secrets: ['x'.repeat(32)] }
}

/** Begins a session without a subject. */
async function begin(sessions: Sessions<Data>): Promise<string> {
  const { session, commit } = await sessions.open('')
  session.data.n = 1
  return cookieOf(await commit())
}

async function signInAgain(sessions: Sessions<Data>, cookie: string): Promise<void> {
  const { session, commit } = await sessions.open(cookie)
  session.signIn('ada')
  await commit()
}

async function renew(sessions: Sessions<Data>, cookie: string): Promise<string> {
  const { session, commit } = await sessions.open(cookie)
  session.renew()
  return cookieOf(await commit())
}

describe('a request that began before a revocation, and ends after it', () => {
  it.each(['revoke', 'end', 'destroy'] as const)(
    'gives none of the data to another subject (%s)',
    async (how) => {
      const { make } = createWorld<Data>()
      const [here, there] = [make(), make()]
      const cookie = await signIn(here, 'ada', { secret: 'of ada' })
      const slow = await here.open(cookie)
      slow.session.signIn('bob')
      slow.session.data.own = 1
      const { session } = await there.open(cookie)
      if (how === 'revoke') await there.revoke('ada')
      else if (how === 'end') await there.end('ada', session.ref!)
      else await there.destroy(cookie)
      const found = await here.open(cookieOf(await slow.commit()))
      expect(found.session.subject).toBe('bob')
      expect({ ...found.session.data }).toEqual({ own: 1 })
    },
  )

  it('gives none of the data to another subject, also if the session was renewed before', async () => {
    const { make } = createWorld<Data>()
    const sessions = make()
    const cookie = await signIn(sessions, 'ada', { secret: 'of ada' })
    const slow = await sessions.open(cookie)
    slow.session.signIn('bob')
    slow.session.data.own = 1
    await renew(sessions, cookie)
    await sessions.revoke('ada')
    const found = await sessions.open(cookieOf(await slow.commit()))
    expect(found.session.subject).toBe('bob')
    expect({ ...found.session.data }).toEqual({ own: 1 })
  })

  it.each([undefined, 1])('tells no token to a former cookie (changed: %s)', async (n) => {
    const { make } = createWorld<Data>()
    const cookie = await signIn(make({ cookie: { name: 'sid' } }))
    const sessions = make({ cookie: { name: 'app', former: [{ name: 'sid' }] } })
    const slow = await sessions.open(cookie)
    if (n !== undefined) slow.session.data.n = n
    await sessions.revoke('ada')
    expect((await slow.commit()).cookie).toBeNull()
  })
})

it('a revocation of a sign-in under way is not undone by a command that comes late', async () => {
  const { make, store } = createWorld<Data>()
  const [here, there] = [make(), make()]
  const cookie = await signIn(here)
  const slow = await here.open(cookie)
  slow.session.signIn('ada')
  // The session is renewed beside the sign-in, which so makes room for both. All are revoked before.
  await store.elsewhere(() => renew(there, cookie))
  const revoked = after(() => store.elsewhere(() => there.revoke('ada')))
  store.fail('save', passed, passed, revoked)
  store.log.splice(0)
  const done = await slow.commit()
  expect(done.outcome).toBe('created')
  expect(store.log.filter(([command]) => command === 'create')).toHaveLength(1)
  expect((await here.open(cookieOf(done))).session.state).toBe('new')
})

it('a sign-out of a session that its own request has revoked deletes the cookie', async () => {
  const { make } = createWorld<Data>()
  const sessions = make()
  const { session, commit } = await sessions.open(await signIn(sessions))
  await sessions.revoke('ada')
  session.destroy()
  const { outcome, cookie } = await commit()
  expect([outcome, cookie?.value]).toEqual(['destroyed', ''])
})

it('a session that is taken out of its list beside the load is unavailable if the mark cannot be read', async () => {
  const { make, store } = createWorld<Data>()
  const [here, there] = [make(), make()]
  const cookie = await signIn(here)
  const signingIn = after(() => store.elsewhere(() => signInAgain(there, cookie)))
  store.fail('load', passed, signingIn, refused)
  expect((await here.open(cookie)).session.state).toBe('unavailable')
})

it('a sign-out is done, although a getter of the app throws', async () => {
  const { make } = createWorld<Data>()
  const sessions = make()
  const cookie = await begin(sessions)
  const { session, commit } = await sessions.open(cookie)
  const fail = () => {
    throw new Error('of the app')
  }
  Object.defineProperty(session.data, 'own', { get: fail, enumerable: true, configurable: true })
  session.destroy()
  expect((await commit()).outcome).toBe('destroyed')
  expect((await sessions.open(cookie)).session.state).toBe('new')
})

it.each(['bob', null])(
  'a sign-in as %s from a session whose list cannot be read takes over nothing',
  async (subject) => {
    const { make, store } = createWorld<Data>()
    const sessions = make()
    const cookie = await signIn(sessions, 'ada', { secret: 'of ada' })
    const slow = await sessions.open(cookie)
    if (subject === null) slow.session.renew({ withoutSubject: true })
    else slow.session.signIn(subject)
    store.fail('load', ...(subject === null ? [] : [passed]), refused)
    await sessions.revoke('ada')
    const { outcome, cookie: set } = await slow.commit()
    expect([outcome, set]).toEqual(['unavailable', null])
    expect((await sessions.open(cookie)).session.state).toBe('new')
  },
)

it.each([
  ['destroy', 'before its record is stored'],
  ['destroy', 'after it'],
  ['revoke', 'after it'],
])('a sign-in beside a renewal takes over nothing after a %s, %s', async (how, when) => {
  const { make, store } = createWorld<Data>()
  const [here, there] = [make(), make()]
  const cookie = await signIn(there, 'ada', { secret: 'of ada' })
  const slow = await here.open(cookie)
  slow.session.signIn('bob')
  slow.session.data.own = 1
  const renewed = await renew(there, cookie)
  const end = async (): Promise<void> => {
    if (how === 'revoke') await there.revoke('ada')
    else await there.destroy(renewed)
  }
  // The mark is refused, because the old id has one; then the new record is stored again, with what goes on.
  store.fail('save', passed, async (run) => {
    if (when !== 'after it') await end()
    const saved = await run()
    if (when === 'after it') await end()
    return saved
  })
  const found = await here.open(cookieOf(await slow.commit()))
  expect(found.session.subject).toBe('bob')
  expect({ ...found.session.data }).toEqual({ own: 1 })
})

it.each(['ada', 'bob', null])(
  'a sign-in goes on with a session that others have signed in to ada, and then to %s',
  async (subject) => {
    const { make } = createWorld<Data>()
    const sessions = make()
    const cookie = await begin(sessions)
    const slow = await sessions.open(cookie)
    const signInElsewhere = async (at: string, as: string | null): Promise<string> => {
      const { session, commit } = await sessions.open(at)
      if (as === null) session.renew({ withoutSubject: true })
      else session.signIn(as)
      return cookieOf(await commit())
    }
    await signInElsewhere(await signInElsewhere(cookie, 'ada'), subject)
    slow.session.signIn('carl')
    const found = await sessions.open(cookieOf(await slow.commit()))
    expect({ ...found.session.data }).toEqual({ n: 1 })
  },
)

/** Signs out in a request that takes longer than a minute. */
async function signOutLate(
  { clock }: Pick<World<Data>, 'clock'>,
  sessions: Sessions<Data>,
  cookie: string,
): Promise<Committed> {
  const { session, commit } = await sessions.open(cookie)
  clock.now += 61_000
  session.destroy()
  return commit()
}

describe('a sign-out that comes a minute after its load, when no mark leads to the session any more', () => {
  it('ends the session that the load found to have moved', async () => {
    const world = createWorld<Data>()
    const sessions = world.make()
    const cookie = await signIn(sessions)
    const renewed = await renew(sessions, cookie)
    expect((await signOutLate(world, sessions, cookie)).failure).toBeNull()
    expect((await sessions.open(renewed)).session.state).toBe('new')
    expect(await sessions.list('ada')).toEqual([])
  })

  it.each(['sealed', 'unsealed'])('ends such a session without a subject (%s)', async (how) => {
    const world = createWorld<Data>()
    const sessions = how === 'sealed' ? world.make(sealed(world.store)) : world.make()
    const cookie = await begin(sessions)
    const renewed = await renew(sessions, cookie)
    expect((await signOutLate(world, sessions, cookie)).outcome).toBe('destroyed')
    expect((await sessions.open(renewed)).session.state).toBe('new')
  })

  it('says of a session without a subject that it is gone once it may have been rotated', async () => {
    const { make, store, clock } = createWorld<Data>({ lifetime: { rotate: 60 } })
    const sessions = make(sealed(store))
    const cookie = await begin(sessions)
    const renewed = await renew(sessions, cookie)
    clock.now += 59_000
    const slow = await sessions.open(cookie)
    clock.now += 62_000
    const rotated = cookieOf(await (await sessions.open(renewed)).commit())
    slow.session.destroy()
    expect((await slow.commit()).outcome).toBe('gone')
    // The forward for a browser that has missed the rotation is left.
    expect((await sessions.open(renewed)).session.state).toBe('live')
    expect((await sessions.open(rotated)).session.state).toBe('live')
  })

  it('ends the session without a subject that was rotated, and then renewed', async () => {
    const { make, clock } = createWorld<Data>()
    const sessions = make()
    const cookie = await begin(sessions)
    await (await sessions.open(cookie)).commit()
    clock.now += 601_000
    const rotated = cookieOf(await (await sessions.open(cookie)).commit())
    const renewed = await renew(sessions, rotated)
    const slow = await sessions.open(cookie)
    clock.now += 40_000
    slow.session.destroy()
    expect((await slow.commit()).outcome).toBe('destroyed')
    expect((await sessions.open(renewed)).session.state).toBe('new')
  })

  it.each([
    ['unconfirmed', 'sealed'],
    ['destroyed', 'unsealed'],
  ])('is %s if its record is %s, and its list cannot be changed', async (outcome, how) => {
    const world = createWorld<Data>()
    const sessions = how === 'sealed' ? world.make(sealed(world.store)) : world.make()
    const cookie = await signIn(sessions)
    await renew(sessions, cookie)
    world.store.fail('save', refused, refused, refused, refused)
    expect((await signOutLate(world, sessions, cookie)).outcome).toBe(outcome)
  })

  it('ends the session whose list the load could not read', async () => {
    const { make, store, clock } = createWorld<Data>()
    const cookie = await signIn(make())
    const sessions = make()
    store.fail('load', passed, refused)
    const slow = await sessions.open(cookie)
    expect(slow.session.state).toBe('unavailable')
    const renewed = await renew(make(), cookie)
    clock.now += 61_000
    slow.session.destroy()
    expect((await slow.commit()).failure).toBeNull()
    expect((await make().open(renewed)).session.state).toBe('new')
  })

  it('ends the session that this version of the app cannot use', async () => {
    const { make, clock } = createWorld<Data>()
    const cookie = await signIn(make(), 'ada', { n: 1 })
    const refusing = make({ ...({ schema: refusesAll } as object) })
    const slow = await refusing.open(cookie)
    expect(slow.session.state).not.toBe('live')
    const renewed = await renew(make(), cookie)
    clock.now += 61_000
    slow.session.destroy()
    expect((await slow.commit()).failure).toBeNull()
    expect((await make().open(renewed)).session.state).toBe('new')
  })
})

it.each(['save', 'load'] as const)(
  'a sign-out that the list alone can carry out is unconfirmed if it cannot be changed (%s)',
  async (command) => {
    const { make, store, clock } = createWorld<Data>()
    const sessions = make()
    const cookie = await signIn(sessions)
    const slow = await sessions.open(cookie)
    await renew(sessions, cookie)
    clock.now += 61_000
    slow.session.destroy()
    store.fail(command, refused, refused, refused, refused)
    expect((await slow.commit()).outcome).toBe('unconfirmed')
  },
)

it('rule 4: a visitor whose browser has missed a rotation is told of it through an outage of the last look', async () => {
  const { make, store, clock } = createWorld<Data>()
  const sessions = make()
  const begun = await sessions.open('')
  begun.session.data.n = 0
  const cookie = cookieOf(await begun.commit())
  await (await sessions.open(cookie)).commit()
  clock.now += 601_000
  await (await sessions.open(cookie)).commit()
  clock.now += 10_000
  const again = await sessions.open(cookie)
  store.fail('load', refused)
  const told = await again.commit()
  clock.now += 10_000
  expect((await sessions.open(cookieOf(told))).session.state).toBe('live')
})

it('a commit that an outage has failed is not repeated: the store may have the changes', async () => {
  const { make, store } = createWorld<Data>({ unavailable: 'throw', merge: { n: sum } })
  const sessions = make()
  const begun = await sessions.open('')
  begun.session.data.n = 1
  const cookie = cookieOf(await begun.commit())
  const { session, commit } = await sessions.open(cookie)
  session.data.n = 2
  store.fail('save', lost)
  store.fail('load', refused)
  for (let n = 0; n < 2; n++) await expect(commit()).rejects.toMatchObject({ code: 'unavailable' })
  expect((await make().open(cookie)).session.data.n).toBe(2)
  session.discard()
  expect((await commit()).outcome).toBe('discarded')
})

describe.each(['throw', 'degrade'] as const)(
  'a commit that throws after a lost reply (%s)',
  (unavailable) => {
    const fault = Object.assign(new Error('wrong password'), { code: 'auth', status: 401 })
    const fails = (): Promise<never> => Promise.reject(fault)
    const told = async ({ outcome }: Committed): Promise<string> => outcome

    it.each(['save', 'rotation'] as const)(
      'is not repeated: the store may have it (%s)',
      async (how) => {
        const { make, store, clock } = createWorld<Data>({ unavailable, merge: { n: sum } })
        const sessions = make()
        const begun = await sessions.open('')
        begun.session.data.n = 1
        const cookie = cookieOf(await begun.commit())
        await (await sessions.open(cookie)).commit()
        if (how === 'rotation') clock.now += 601_000
        const request = sessions.lazy(cookie)
        const session = await request.get()
        session.data.n = 2
        if (how === 'save') store.fail('save', lost)
        else store.fail('save', passed, lost)
        store.fail('load', ...(how === 'save' ? [] : [passed]), fails)
        for (let tries = 0; tries < 2; tries++) {
          const outcome = await request.commit().then(told, ({ code }: { code: string }) => code)
          expect(outcome).toBe('unavailable')
        }
        expect((await make().open(cookie)).session.data.n).toBe(2)
      },
    )
  },
)

it('a commit that a late save may still reach is not repeated, though its changes can no longer be merged', async () => {
  let calls = -Infinity
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate(value: object) {
        // The first call after the save shapes what is read, and the second is asked about the merged data.
        if (++calls === 2) throw new Error('the schema is down')
        return { value }
      },
    },
  }
  const { make, store } = createWorld<Data>({ merge: { n: sum } })
  const sessions = make({ ...({ schema } as object) })
  const begun = await sessions.open('')
  begun.session.data.n = 1
  const cookie = cookieOf(await begun.commit())
  const { session, commit } = await sessions.open(cookie)
  session.data.n = 2
  let arrive = async (): Promise<void> => {}
  store.fail('save', (run) => {
    arrive = async () => void (await run())
    calls = 0
    return lost(async () => 'saved')
  })
  const first = await commit().then(({ outcome }) => outcome)
  await arrive()
  expect([first, (await commit()).outcome]).toEqual(['unavailable', 'unavailable'])
  expect((await make().open(cookie)).session.data.n).toBe(2)
})

it('a commit that a fault in the set-up has refused is repeated', async () => {
  const { make, store } = createWorld<Data>()
  const sessions = make()
  const { session, commit } = await sessions.open(await signIn(sessions))
  session.data.n = 1
  const fault = Object.assign(new Error('wrong password'), { code: 'auth' })
  store.fail('save', () => Promise.reject(fault))
  await expect(commit()).rejects.toBe(fault)
  expect((await commit()).outcome).toBe('saved')
})

it('a commit that has failed with nothing written is repeated', async () => {
  let fails = true
  const { make } = createWorld<Data>({
    merge: {
      n({ ours }) {
        if (fails) throw new Error('cannot merge')
        return ours
      },
    },
  })
  const sessions = make()
  const begun = await sessions.open('')
  begun.session.data.n = 1
  const cookie = cookieOf(await begun.commit())
  const slow = await sessions.open(cookie)
  const other = await make().open(cookie)
  other.session.data.n = 2
  await other.commit()
  slow.session.data.n = 3
  await expect(slow.commit()).rejects.toMatchObject({ code: 'merge-failed' })
  fails = false
  expect((await slow.commit()).outcome).toBe('saved')
  expect((await sessions.open(cookie)).session.data.n).toBe(3)
})

it.each(['throw', 'degrade'] as const)(
  'a handler that answers an outage of its own commit keeps its response (%s)',
  async (unavailable) => {
    const { make, store } = createWorld<Data>({ unavailable })
    const sessions = make()
    const headers = { Cookie: await signIn(sessions) }
    const lazy = sessions.lazy(new Request('https://app.example/', { headers }))
    const response = await lazy.around(async () => {
      const session = await lazy.get()
      session.data.n = 1
      store.fail('save', refused)
      store.fail('load', refused)
      const failure = await lazy.commit().then(
        (done) => done.failure,
        (error: unknown) => error,
      )
      expect(failure).not.toBeNull()
      return new Response('ours', { status: 503 })
    })
    expect([response.status, await response.text()]).toEqual([503, 'ours'])
  },
)
