import { byKeyWith, createSessions, sum } from '@coatcheck/core'
import type { Committed, Outcome, Session, SessionEvent, Sessions } from '@coatcheck/core'
import { expect, it } from 'vitest'
import { describeOnAll } from './backends.ts'
import type { Backend } from './backends.ts'

type Data = Record<string, unknown>
type Open = Session<Data>

let apps = 0

const merge = { visits: sum, stats: byKeyWith(sum) }

/** Version 1 counts under `visits`. Version 2 under `stats.visits`, and the name is an object. */
const up = (data: Data, from: number): void => {
  if (from > 1) throw new Error(`of version ${from}`)
  data['stats'] = { visits: data['visits'] ?? 0 }
  delete data['visits']
  if ('name' in data) data['name'] = { first: data['name'] }
}

function setUp({ another, now }: Backend) {
  const store = another()
  const events: SessionEvent[] = []
  const namespace = `migrations-${apps++}`
  const connect = (migrate?: Parameters<typeof createSessions>[0]['migrate'], more = {}) =>
    createSessions<Data>({
      store,
      secrets: ['a secret of thirty-two bytes, or so'],
      namespace,
      merge,
      onEvent: (event) => void events.push(event),
      testing: { now },
      ...(migrate === undefined ? {} : { migrate }),
      ...more,
    })
  const reasons = (): unknown[] =>
    events.splice(0).flatMap((event) => (event.type === 'record.unreadable' ? [event.reason] : []))
  return {
    /** Before the option was used. */
    none: connect(),
    one: connect({ version: 1, up: (data) => data }),
    /** The step between: it counts in both shapes, whichever is there. */
    expanded: connect({ version: 1, reads: 2, up: (data) => data }),
    two: connect({ version: 2, up }),
    connect,
    reasons,
  }
}

const cookieOf = ({ cookie }: Committed): string => `${cookie?.name}=${cookie?.value}`

async function visit(
  sessions: Sessions<Data>,
  cookie: string | null,
  act: (session: Open) => unknown = () => {},
): Promise<Committed & { readonly session: Open }> {
  const { session, commit } = await sessions.open(cookie)
  await act(session)
  return { ...(await commit()), session }
}

const dataOf = async (sessions: Sessions<Data>, cookie: string): Promise<Data> => ({
  ...(await sessions.open(cookie)).session.data,
})

const countOne = ({ data }: Open): void =>
  void (data['visits'] = ((data['visits'] as number) ?? 0) + 1)
const countTwo = ({ data }: Open): void => {
  const stats = data['stats'] as { visits: number }
  stats.visits++
}

describeOnAll('data of an earlier shape', (backend) => {
  it('are carried over at load, and written at the next save', async () => {
    for (const before of ['none', 'one'] as const) {
      const { two, reasons, ...all } = setUp(backend)
      const cookie = cookieOf(
        await visit(all[before], null, ({ data }) =>
          Object.assign(data, { visits: 3, name: 'Ada' }),
        ),
      )
      const shown = { stats: { visits: 3 }, name: { first: 'Ada' } }
      expect(await dataOf(two, cookie)).toEqual(shown)
      expect((await visit(two, cookie)).outcome).toBe('unchanged')
      expect(await dataOf(all[before], cookie)).toEqual({ visits: 3, name: 'Ada' })
      expect((await visit(two, cookie, countTwo)).outcome).toBe('saved')
      expect(await dataOf(two, cookie)).toEqual({ ...shown, stats: { visits: 4 } })
      expect(reasons()).toEqual([])
    }
  })

  it('are not carried over twice, after a save, a renewal, a sign-in and a rotation', async () => {
    const { one, connect } = setUp(backend)
    const two = connect({ version: 2, up }, { lifetime: { rotate: 60 } })
    for (const act of [
      countTwo,
      (session: Open) => session.renew(),
      (session: Open) => session.signIn('ada'),
    ]) {
      let cookie = cookieOf(
        await visit(one, null, ({ data }) => Object.assign(data, { visits: 3 })),
      )
      for (let times = 0; times < 3; times++) {
        const done = await visit(two, cookie, act)
        if (done.cookie !== null) cookie = cookieOf(done)
        expect(Object.keys(await dataOf(two, cookie))).toEqual(['stats'])
      }
    }
    const cookie = cookieOf(await visit(two, null, ({ data }) => (data['stats'] = { visits: 0 })))
    expect(await dataOf(two, cookie)).toEqual({ stats: { visits: 0 } })
  })

  it('are merged with what the earlier version has saved meanwhile', async () => {
    const { one, two } = setUp(backend)
    const cookie = cookieOf(await visit(one, null, countOne))
    const late = await two.open(cookie)
    countTwo(late.session)
    for (let at = 0; at < 3; at++)
      expect((await visit(one, cookie, countOne)).outcome).toBe('saved')
    expect((await late.commit()).outcome).toBe('saved')
    expect(await dataOf(two, cookie)).toEqual({ stats: { visits: 5 } })
  })

  it('go through the schema after that', async () => {
    const { one, connect } = setUp(backend)
    const validate = (given: unknown) =>
      'visits' in (given as Data)
        ? { issues: [{ message: 'old' }] }
        : { value: { ...(given as Data), ok: 1 } }
    const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
    const two = connect({ version: 2, up }, { schema })
    const cookie = cookieOf(await visit(one, null, countOne))
    expect(await dataOf(two, cookie)).toEqual({ stats: { visits: 1 }, ok: 1 })
  })
})

describeOnAll('a process of an earlier version', (backend) => {
  it('reads and writes nothing of a session that a newer one has saved, and loses nothing', async () => {
    const { none, one, two, reasons } = setUp(backend)
    const cookie = cookieOf(await visit(one, null, countOne))
    await visit(two, cookie, countTwo)
    expect((await visit(none, cookie, countOne)).outcome).toBe('unavailable')
    for (const act of [
      countOne,
      (session: Open) => session.signIn('ada'),
      (session: Open) => session.renew(),
    ]) {
      const { session, outcome, failure, cookie: set } = await visit(one, cookie, act)
      expect([session.state, session.id, outcome, set]).toEqual([
        'unavailable',
        null,
        'unavailable',
        null,
      ])
      expect(failure).not.toBeNull()
    }
    expect((await visit(one, cookie)).outcome).toBe('unchanged')
    expect(new Set(reasons())).toEqual(new Set(['newer-version']))
    expect(await dataOf(two, cookie)).toEqual({ stats: { visits: 2 } })
  })

  it('that has loaded the session before it was carried over is told that its change was not saved', async () => {
    const { one, two } = setUp(backend)
    for (const act of [countOne, (session: Open) => (countOne(session), session.signIn('ada'))]) {
      const cookie = cookieOf(await visit(one, null, countOne))
      const late = await one.open(cookie)
      act(late.session)
      await visit(two, cookie, countTwo)
      expect((await late.commit()).outcome).toBe('unavailable')
      expect(await dataOf(two, cookie)).toEqual({ stats: { visits: 2 } })
    }
  })

  it('can sign the visitor out', async () => {
    const { one, two } = setUp(backend)
    const cookie = cookieOf(await visit(two, null, ({ data }) => (data['stats'] = { visits: 0 })))
    expect((await visit(one, cookie, (session) => session.destroy())).outcome).toBe('destroyed')
    expect((await two.open(cookie)).session.state).toBe('new')
  })

  it('says so by an error, if an outage is one', async () => {
    const { two, connect } = setUp(backend)
    const one = connect({ version: 1, up: () => {} }, { unavailable: 'throw' })
    const cookie = cookieOf(await visit(two, null, ({ data }) => (data['stats'] = { visits: 0 })))
    await expect(one.open(cookie)).rejects.toThrow('saved by a newer version of the app')
  })

  it('that reads both, and has loaded it before it was carried over, is told as well', async () => {
    const { expanded, two } = setUp(backend)
    const cookie = cookieOf(await visit(expanded, null, countOne))
    const late = await expanded.open(cookie)
    countOne(late.session)
    await visit(two, cookie, countTwo)
    expect((await late.commit()).outcome).toBe('unavailable')
    expect(await dataOf(two, cookie)).toEqual({ stats: { visits: 2 } })
  })

  it('that reads the newer version works with it, and leaves its number', async () => {
    const { expanded, two, one } = setUp(backend)
    const cookie = cookieOf(await visit(two, null, ({ data }) => (data['stats'] = { visits: 1 })))
    const late = await expanded.open(cookie)
    countTwo(late.session)
    await visit(two, cookie, countTwo)
    expect((await late.commit()).outcome).toBe('saved')
    expect(await dataOf(two, cookie)).toEqual({ stats: { visits: 3 } })
    expect((await one.open(cookie)).session.state).toBe('unavailable')
    const own = cookieOf(await visit(expanded, null, countOne))
    expect(await dataOf(one, own)).toEqual({ visits: 1 })
  })
})

describeOnAll('a migration that throws', (backend) => {
  it('leaves the record as it is, until it is mended', async () => {
    const { one, two, connect, reasons } = setUp(backend)
    for (const wrong of [
      () => {
        throw new Error('a secret value')
      },
      () => ({ when: Symbol('a value that cannot be kept') }),
    ]) {
      const broken = connect({ version: 2, up: wrong })
      const cookie = cookieOf(await visit(one, null, countOne))
      const ends: Outcome[] = []
      for (const act of [countOne, (session: Open) => session.signIn('ada')]) {
        ends.push((await visit(broken, cookie, act)).outcome)
      }
      expect(ends).toEqual(['unavailable', 'unavailable'])
      expect(reasons()).toEqual(['migration', 'migration'])
      expect(await dataOf(two, cookie)).toEqual({ stats: { visits: 1 } })
    }
  })
})
