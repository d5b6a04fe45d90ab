import { createSessions, take, union } from '@coatcheck/core'
import type { Outcome, Session, Sessions } from '@coatcheck/core'
import { expect, it } from 'vitest'
import { describeOnAll } from './backends.ts'
import type { Backend } from './backends.ts'

interface Data {
  notice?: string
  state?: string
  log?: string[]
}

type Plain = Session<Data>

interface End {
  readonly got: string | undefined
  readonly outcome: Outcome
  readonly isShown: boolean
}

function connect({ another, now }: Backend, more: object = {}): Sessions<Data> {
  return createSessions<Data>({
    store: another(),
    secrets: ['a secret of thirty-two bytes, or so'],
    namespace: 'takes',
    merge: { log: union },
    testing: { now },
    ...more,
  })
}

/** The `Cookie` header of a session that holds these data. */
async function begin(sessions: Sessions<Data>, data: Data): Promise<string> {
  const { session, commit } = await sessions.open(null)
  Object.assign(session.data, data)
  const { cookie } = await commit()
  return `${cookie?.name}=${cookie?.value}`
}

/** Takes the notice once every other request has loaded its own. */
async function show(
  sessions: Sessions<Data>,
  cookie: string,
  loaded: () => Promise<void>,
  act: (session: Plain) => void = () => {},
): Promise<End> {
  const lazy = sessions.lazy(cookie)
  let got: string | undefined
  const response = await lazy.around(async () => {
    const session = await lazy.get()
    await loaded()
    got = take(session.data, 'notice')
    act(session)
    return new Response(got)
  })
  const { outcome } = (await lazy.end())!
  return { got, outcome, isShown: response.status === 200 && (await response.text()) === got }
}

function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let waiting = 0
  return () => {
    if (++waiting === count) resolve()
    return promise
  }
}

describeOnAll('a value that is taken', (backend) => {
  it('is shown by one of twenty requests at once, in one process and in two', async () => {
    for (const processes of [1, 2]) {
      const all = Array.from({ length: processes }, () => connect(backend))
      const cookie = await begin(all[0]!, { notice: 'placed' })
      const loaded = barrier(20)
      const ends = await Promise.all(
        Array.from({ length: 20 }, (_, at) => show(all[at % processes]!, cookie, loaded)),
      )
      expect(ends.every(({ got }) => got === 'placed')).toBe(true)
      expect(ends.filter(({ isShown }) => isShown)).toHaveLength(1)
      expect(ends.map(({ outcome }) => outcome).toSorted()).toEqual([
        'saved',
        ...Array.from({ length: 19 }, () => 'taken'),
      ])
      expect((await all[0]!.open(cookie)).session.data).toEqual({})
    }
  })

  it('is given with all else that the request changed, or nothing of that is saved', async () => {
    const sessions = connect(backend)
    const cookie = await begin(sessions, { notice: 'placed', log: [] })
    const loaded = barrier(2)
    const both = ['a', 'b'].map((name) =>
      show(sessions, cookie, loaded, ({ data }) => data.log?.push(name)),
    )
    const ends = await Promise.all(both)
    const won = ends.findIndex(({ outcome }) => outcome === 'saved')
    const { data } = (await sessions.open(cookie)).session
    expect(data).toEqual({ log: [['a', 'b'][won]] })
  })

  it('is taken beside changes of other keys', async () => {
    const sessions = connect(backend)
    const cookie = await begin(sessions, { notice: 'placed' })
    const first = await sessions.open(cookie)
    const second = await sessions.open(cookie)
    second.session.data.log = ['other']
    expect((await second.commit()).outcome).toBe('saved')
    expect(take(first.session.data, 'notice')).toBe('placed')
    expect((await first.commit()).outcome).toBe('saved')
    expect((await sessions.open(cookie)).session.data).toEqual({ log: ['other'] })
  })

  it('is not removed if another request has put a new one there', async () => {
    const sessions = connect(backend)
    const cookie = await begin(sessions, { notice: 'first' })
    const [shows, puts] = [await sessions.open(cookie), await sessions.open(cookie)]
    puts.session.data.notice = 'second'
    await puts.commit()
    take(shows.session.data, 'notice')
    const { outcome, failure, cookie: none } = await shows.commit()
    const wanted = { outcome: 'taken', asked: 'change', hasTaken: true }
    expect([outcome, failure, none]).toEqual(['taken', wanted, null])
    expect((await sessions.open(cookie)).session.data).toEqual({ notice: 'second' })
  })

  it('by a sign-in, is not taken by a page that is saved later, nor the other way round', async () => {
    for (const signsInFirst of [true, false]) {
      const sessions = connect(backend)
      const cookie = await begin(sessions, { state: 'nonce' })
      const [login, page] = [await sessions.open(cookie), await sessions.open(cookie)]
      expect(take(login.session.data, 'state')).toBe('nonce')
      login.session.signIn('ada')
      expect(take(page.session.data, 'state')).toBe('nonce')
      const order = signsInFirst ? [login, page] : [page, login]
      const ends = [await order[0]!.commit(), await order[1]!.commit()]
      expect(ends.map(({ failure }) => failure)).toEqual(
        signsInFirst
          ? [null, { outcome: 'moved', asked: 'change', hasTaken: true }]
          : [null, { outcome: 'taken', asked: 'sign-in', hasTaken: true }],
      )
      expect(ends[1]!.cookie).toBeNull()
      if (!signsInFirst) expect((await sessions.open(cookie)).session.subject).toBeNull()
    }
  })

  it('is not shown if it stays in the session: too many others save, or the store does not answer', async () => {
    const saves = {
      conflict: () => Promise.resolve('conflict' as const),
      unavailable: () => Promise.reject(new Error('no answer')),
    }
    for (const [outcome, save] of Object.entries(saves)) {
      const sessions = connect(backend)
      const cookie = await begin(sessions, { notice: 'placed' })
      const store = backend.another()
      const failing = {
        load: store.load.bind(store),
        create: store.create.bind(store),
        delete: store.delete.bind(store),
        save,
      }
      const testing = { now: backend.now, wait: () => Promise.resolve() }
      const busy = connect(backend, { store: failing, testing, onEvent() {} })
      const response = await busy.handle(
        new Request('https://shop.example/', { headers: { cookie } }),
        ({ data }) => new Response(take(data, 'notice')),
      )
      expect([outcome, response.status, response.headers.get('retry-after')]).toEqual([
        outcome,
        503,
        '5',
      ])
      const end = await show(busy, cookie, () => Promise.resolve())
      expect(end).toEqual({ got: 'placed', outcome, isShown: false })
      expect(await show(sessions, cookie, () => Promise.resolve())).toMatchObject({ isShown: true })
    }
  })

  it('is not shown if the session has moved or ended meanwhile', async () => {
    const acts = {
      moved: (sessions: Sessions<Data>, cookie: string) =>
        sessions.open(cookie).then(({ session, commit }) => (session.renew(), commit())),
      gone: (sessions: Sessions<Data>, cookie: string) => sessions.destroy(cookie),
    }
    for (const [outcome, act] of Object.entries(acts)) {
      const sessions = connect(backend)
      const cookie = await begin(sessions, { notice: 'placed' })
      const end = await show(sessions, cookie, async () => void (await act(sessions, cookie)))
      expect(end).toEqual({ got: 'placed', outcome, isShown: false })
    }
  })

  it('by several sign-ins at once, is used by one, in one process and in two', async () => {
    for (const processes of [1, 2]) {
      const all = Array.from({ length: processes }, () => connect(backend))
      const cookie = await begin(all[0]!, { notice: 'nonce' })
      const loaded = barrier(6)
      const signIn = (session: Plain): void => session.signIn(`ada ${processes}`)
      const ends = await Promise.all(
        Array.from({ length: 6 }, (_, at) => show(all[at % processes]!, cookie, loaded, signIn)),
      )
      expect(ends.map(({ outcome }) => outcome).toSorted()).toEqual([
        'renewed',
        ...Array.from({ length: 5 }, () => 'taken'),
      ])
      expect(ends.filter(({ isShown }) => isShown)).toHaveLength(1)
      expect(await all[0]!.list(`ada ${processes}`)).toHaveLength(1)
    }
  })

  it('by a sign-in whose session was signed out meanwhile, does not stop the sign-in', async () => {
    const sessions = connect(backend)
    const cookie = await begin(sessions, { state: 'nonce' })
    const login = await sessions.open(cookie)
    await sessions.destroy(cookie)
    take(login.session.data, 'state')
    login.session.signIn('ada')
    expect((await login.commit()).outcome).toBe('created')
  })

  it('that is discarded stays', async () => {
    const sessions = connect(backend)
    const cookie = await begin(sessions, { notice: 'placed' })
    const { session, commit } = await sessions.open(cookie)
    take(session.data, 'notice')
    session.discard()
    await commit()
    expect((await sessions.open(cookie)).session.data).toEqual({ notice: 'placed' })
  })

  it('stays where a session can only be read', async () => {
    const sessions = connect(backend)
    const cookie = await begin(sessions, { notice: 'placed' })
    const session = await sessions.lazy(cookie, { readOnly: 'Take it in an action' }).get()
    expect(() => take(session.data, 'notice')).toThrow('Take it in an action')
    expect(session.data.notice).toBe('placed')
  })
})
