import { byKey, createSessions, SessionError, sum, union } from '@coatcheck/core'
import type { Opened, Sessions, SessionsOptions, StandardSchema } from '@coatcheck/core'
import { describe, expect, it } from 'vitest'
import { describeOnAll } from './backends.ts'
import type { Backend } from './backends.ts'

interface Data {
  credits: number
  tags: string[]
  cart: Record<string, number>
  note?: string
  most?: number
}

type Values = Record<string, unknown>

const defaults = (): Data => ({ credits: 100, tags: ['a'], cart: { ticket: 1 } })

type Result = { value: Data } | { issues: { message: string; path: readonly string[] }[] }

/** Gives defaults; carries `money` over to `credits`; drops what it does not know; refuses more than 1000 credits. */
function check(given: unknown): Result {
  const { money, former: _former, ...rest } = given as Values
  const carried = money === undefined || 'credits' in rest ? {} : { credits: money }
  const value = { ...defaults(), ...carried, ...rest } as unknown as Data
  const path = ['credits']
  if (value.credits > (value.most ?? 1000))
    return { issues: [{ message: `${value.credits}`, path }] }
  return { value }
}

const later = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

const schemas = {
  'a synchronous schema': check,
  'an asynchronous schema': async (given: unknown) => {
    await later()
    const result = check(given)
    await later()
    return result
  },
}

const secrets = ['a secret of thirty-two bytes, or so']
const merge = { credits: sum, tags: union, cart: byKey }

function setUp(
  { store, now }: Backend,
  validate: (given: unknown) => Result | Promise<Result>,
  more: Partial<SessionsOptions<Data>> = {},
): {
  readonly sessions: Sessions<Data>
  readonly stored: (cookie: string) => Promise<Values>
  readonly store: (values: Values) => Promise<string>
  readonly clock: { ahead: number }
} {
  const clock = { ahead: 0 }
  const testing = { now: () => now() + clock.ahead }
  const schema: StandardSchema<unknown, Data> = {
    '~standard': { version: 1, vendor: 'test', validate },
  }
  const sessions = createSessions({ store, secrets, merge, schema, testing, ...more })
  // What a version of the app sees that has no schema.
  const plain = createSessions<Values>({ store, secrets, testing })
  return {
    sessions,
    clock,
    stored: async (cookie) => ({ ...(await plain.open(cookie, { touch: false })).session.data }),
    async store(values) {
      const opened = await plain.open(null)
      Object.assign(opened.session.data, values)
      return cookieOf(await opened.commit())
    },
  }
}

type Committed = Awaited<ReturnType<Opened<Data>['commit']>>

const cookieOf = ({ cookie }: Committed): string => `${cookie?.name}=${cookie?.value}`

async function begin(
  sessions: Sessions<Data>,
  act: (session: Opened<Data>['session']) => void,
): Promise<string> {
  const { session, commit } = await sessions.open(null)
  act(session)
  return cookieOf(await commit())
}

/** Spends, tags and fills the cart: all that the resolvers settle. */
function spend(data: Data, credits: number, name: string): void {
  data.credits -= credits
  data.tags.push(name)
  data.cart[name] = credits
}

const spent = (...all: readonly (readonly [number, string])[]): Values => ({
  credits: 100 - all.reduce((sumOf, [credits]) => sumOf + credits, 0),
  tags: ['a', ...all.map(([, name]) => name)],
  cart: { ticket: 1, ...Object.fromEntries(all.map(([credits, name]) => [name, credits])) },
})

for (const [kind, validate] of Object.entries(schemas)) {
  describeOnAll(`D1: resolvers beside the defaults of ${kind}`, (backend) => {
    it('D1, rule 13: a new visitor has the default and the change, and so has the record', async () => {
      const { sessions, stored } = setUp(backend, validate)
      const cookie = await begin(sessions, ({ data }) => spend(data, 10, 'b'))
      expect(await stored(cookie)).toEqual(spent([10, 'b']))
      expect((await sessions.open(cookie)).session.data).toEqual(spent([10, 'b']))
    })

    it('D1, rule 13: so has a sign-in, a renewal, a rotation and a save of a record without the keys', async () => {
      const rotating = { lifetime: { rotate: 60 } }
      const { sessions, stored, store, clock } = setUp(backend, validate, rotating)
      for (const act of ['save', 'signIn', 'renew', 'rotate'] as const) {
        const cookie = await store({ note: act })
        clock.ahead += act === 'rotate' ? 60_000 : 0
        const { session, commit } = await sessions.open(cookie)
        spend(session.data, 10, 'b')
        if (act === 'signIn') session.signIn('ada')
        if (act === 'renew') session.renew()
        const committed = await commit()
        expect(committed.failure).toBeNull()
        const now = committed.cookie === null ? cookie : cookieOf(committed)
        expect([act, await stored(now)]).toEqual([act, { note: act, ...spent([10, 'b']) }])
      }
    })

    it('D1, rule 13: so has a first sign-in', async () => {
      const { sessions, stored } = setUp(backend, validate)
      const cookie = await begin(sessions, (session) => {
        session.signIn('ada')
        spend(session.data, 10, 'b')
      })
      expect(await stored(cookie)).toEqual(spent([10, 'b']))
    })

    it('D1, rule 13: what others saved meanwhile goes through the schema before it is merged', async () => {
      const { sessions, stored, store } = setUp(backend, validate)
      const cookie = await store({ note: 'old' })
      const [first, second, third] = await Promise.all([1, 2, 3].map(() => sessions.open(cookie)))
      spend(first!.session.data, 1, 'b')
      spend(second!.session.data, 2, 'c')
      spend(third!.session.data, 4, 'd')
      third!.session.renew()
      expect((await first!.commit()).outcome).toBe('saved')
      expect((await second!.commit()).outcome).toBe('saved')
      const committed = await third!.commit()
      expect(committed.outcome).toBe('renewed')
      const all = { note: 'old', ...spent([1, 'b'], [2, 'c'], [4, 'd']) }
      expect(await stored(cookieOf(committed))).toEqual(all)
    })

    it('D1, rule 13: also what a version of the app without the schema saved meanwhile', async () => {
      const { sessions, stored, store } = setUp(backend, validate)
      const cookie = await store({ note: 'old' })
      const ours = await sessions.open(cookie)
      spend(ours.session.data, 10, 'b')
      const plain = createSessions<Values>({
        store: backend.another(),
        secrets,
        testing: { now: backend.now },
      })
      const theirs = await plain.open(cookie)
      theirs.session.data['note'] = 'new'
      theirs.session.data['money'] = 70
      await theirs.commit()
      expect((await ours.commit()).outcome).toBe('saved')
      expect(await stored(cookie)).toMatchObject({ note: 'new', credits: 60, tags: ['a', 'b'] })
    })

    it('D1, rule 5: a sign-in that has to begin anew keeps its change and the defaults', async () => {
      const { sessions, stored } = setUp(backend, validate)
      for (const end of ['destroy', 'renew'] as const) {
        const cookie = await begin(sessions, ({ data }) => spend(data, 1, 'b'))
        const login = await sessions.open(cookie)
        spend(login.session.data, 10, 'c')
        login.session.signIn('ada')
        const other = await sessions.open(cookie)
        other.session[end]()
        await other.commit()
        const committed = await login.commit()
        expect(committed.outcome).toBe('created')
        const kept = end === 'destroy' ? spent([10, 'c']) : spent([1, 'b'], [10, 'c'])
        expect(await stored(cookieOf(committed))).toEqual(kept)
      }
    })

    it('D1: a shape that is carried over goes on from what it was, and its new key wins', async () => {
      const { sessions, store } = setUp(backend, validate)
      const cookie = await store({ money: 50 })
      const first = await sessions.open(cookie)
      expect(first.session.data.credits).toBe(50)
      first.session.data.credits -= 10
      await first.commit()
      const second = await sessions.open(cookie)
      expect(second.session.data.credits).toBe(40)
      Reflect.deleteProperty(second.session.data, 'credits')
      await second.commit()
      expect((await sessions.open(cookie)).session.data.credits).toBe(100)
    })

    it('D1: a key that the schema drops is kept for the version of the app that needs it', async () => {
      const { sessions, stored, store } = setUp(backend, validate)
      const cookie = await store({ former: 'kept', money: 50 })
      const { session, commit } = await sessions.open(cookie)
      expect(Object.keys(session.data).toSorted()).toEqual(['cart', 'credits', 'tags'])
      session.data.credits -= 10
      session.renew()
      const now = cookieOf(await commit())
      expect(await stored(now)).toMatchObject({ former: 'kept', money: 50, credits: 40 })
    })
  })

  describeOnAll(`D2: values that ${kind} refuses`, (backend) => {
    const refusal = { code: 'invalid-value', status: 400 }

    it('D2: are refused at commit by name, with nothing written, and the session goes on', async () => {
      const { sessions, stored } = setUp(backend, validate)
      const cookie = await begin(sessions, ({ data }) => spend(data, 10, 'b'))
      const { session, commit } = await sessions.open(cookie)
      session.data.credits = 1234
      session.data.note = 'a note'
      const before = await backend.commands()
      const error: unknown = await commit().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(SessionError)
      expect(error).toMatchObject(refusal)
      expect(String(error)).toContain('session.data.credits')
      expect(String(error)).not.toContain('1234')
      expect(await backend.commands()).toBe(before)
      expect(await stored(cookie)).toEqual(spent([10, 'b']))
      session.data.credits = 80
      expect((await commit()).outcome).toBe('saved')
      expect(await stored(cookie)).toEqual({ ...spent([10, 'b']), credits: 80, note: 'a note' })
    })

    it('D2: are refused when a session begins, signs in or is renewed', async () => {
      const { sessions } = setUp(backend, validate)
      const cookie = await begin(sessions, ({ data }) => spend(data, 10, 'b'))
      for (const source of [null, cookie]) {
        for (const act of ['nothing', 'signIn', 'renew'] as const) {
          const { session, commit } = await sessions.open(source)
          session.data.credits = 2000
          if (act === 'signIn') session.signIn('ada')
          if (act === 'renew') session.renew()
          const before = await backend.commands()
          await expect(commit()).rejects.toMatchObject(refusal)
          expect(await backend.commands()).toBe(before)
          session.destroy()
          session.discard()
        }
      }
      expect((await sessions.open(cookie)).session.state).toBe('live')
    })

    it('D2: do not stop a sign-out', async () => {
      const { sessions } = setUp(backend, validate)
      const cookie = await begin(sessions, ({ data }) => spend(data, 10, 'b'))
      const { session, commit } = await sessions.open(cookie)
      session.data.credits = 2000
      session.destroy()
      expect((await commit()).outcome).toBe('destroyed')
    })

    it('D2: are refused if only merging makes them, and each request is told', async () => {
      const { sessions, stored } = setUp(backend, validate)
      const cookie = await begin(sessions, ({ data }) => void (data.credits = 600))
      const [one, other] = [await sessions.open(cookie), await sessions.open(cookie)]
      one!.session.data.credits += 300
      other!.session.data.credits += 300
      expect((await one!.commit()).outcome).toBe('saved')
      await expect(other!.commit()).rejects.toMatchObject({ code: 'merge-failed', status: 409 })
      expect(await stored(cookie)).toMatchObject({ credits: 900 })
      expect((await sessions.open(cookie)).session.data.credits).toBe(900)
    })

    it('D2: of two requests in one batch only the one that breaks it is refused', async () => {
      const { sessions, stored } = setUp(backend, validate)
      const cookie = await begin(sessions, ({ data }) => void (data.credits = 600))
      const all = await Promise.all([1, 2, 3].map(() => sessions.open(cookie)))
      for (const { session } of all) session.data.credits += 150
      const ends = await Promise.allSettled(all.map(({ commit }) => commit()))
      expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
      expect(await stored(cookie)).toMatchObject({ credits: 900 })
    })
  })
}

describe('D2: the price of a schema', () => {
  it('D2: it is asked at commit only if something was changed', async () => {
    const { memoryStore } = await import('@coatcheck/core/memory')
    let asked = 0
    const schema: StandardSchema<unknown, Data> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate(given) {
          asked++
          return check(given)
        },
      },
    }
    const sessions = createSessions({ store: memoryStore(), schema, merge })
    const cookie = await begin(sessions, ({ data }) => spend(data, 10, 'b'))
    const { session, commit } = await sessions.open(cookie)
    expect(session.data.credits).toBe(90)
    asked = 0
    await commit()
    expect(asked).toBe(0)
    const again = await sessions.open(cookie)
    again.session.data.credits = 50
    asked = 0
    await again.commit()
    expect(asked).toBe(1)
  })
})
