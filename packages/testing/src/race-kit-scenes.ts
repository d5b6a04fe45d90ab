import type { Outcome, Session } from '@coatcheck/core'
import type { Gate } from './race-kit-turnstile.ts'
import { check, checkSame } from './store-contract-assert.ts'

export type RaceData = Record<string, unknown>

/** What one request of a race does: in its handler, or to the store behind everybody's back. */
export type Actor =
  | { readonly handler: (session: Session<RaceData>) => void; readonly cookie?: 'none' }
  | { readonly behind: (id: string, gate: Gate) => Promise<void> }

/** What became of a request. `cookie`: what it answers with; empty if it deletes the cookie. */
export interface Result {
  readonly outcome: Outcome | 'behind'
  readonly cookie: string | null
}

/** How a race ended. */
export interface Finish {
  readonly results: readonly Result[]
  /** The cookie that all of them came with. */
  readonly cookie: string
  /** What another process sees under a cookie now. */
  readonly read: (cookie: string) => Promise<{ readonly state: string; readonly data: RaceData }>
}

/** Some requests at the same time, and what must hold afterwards whatever their order. */
export interface Scene {
  readonly actors: (evict: (id: string) => Promise<void>) => readonly Actor[]
  readonly check: (finish: Finish) => Promise<void>
  /** The session's token is old enough to be rotated. */
  readonly due?: boolean
}

const put =
  (key: string, value: unknown = key) =>
  ({ data }: Session<RaceData>): void =>
    void (data[key] = value)
const count = ({ data }: Session<RaceData>): void =>
  void (data['count'] = (data['count'] as number) + 1)
const look = ({ data }: Session<RaceData>): void => void data['count']
const end = (session: Session<RaceData>): void => session.destroy()
const renew = (session: Session<RaceData>): void => session.renew()

const of =
  (...handlers: readonly ((session: Session<RaceData>) => void)[]) =>
  (): readonly Actor[] =>
    handlers.map((handler) => ({ handler }))

/** The result of the only one that ended so; fails if there are more, or none. */
function only(results: readonly Result[], outcome: Outcome): Result {
  const found = results.filter((result) => result.outcome === outcome)
  checkSame(found.length, 1, `how many ended ${outcome} (${outcomes(results)})`)
  return found[0] as Result
}

const outcomes = (results: readonly Result[]): string =>
  results.map(({ outcome }) => outcome).join(', ')

async function checkDead({ read, cookie }: Finish): Promise<void> {
  checkSame((await read(cookie)).state, 'new', 'the old token leads to a session that is')
}

async function checkData(finish: Finish, cookie: string, expected: RaceData): Promise<void> {
  const { state, data } = await finish.read(cookie)
  checkSame(state, 'live', 'the session is')
  checkSame(JSON.stringify(sorted(data)), JSON.stringify(sorted(expected)), 'its data')
}

function sorted(data: RaceData): [string, unknown][] {
  return Object.entries(data).toSorted(([left], [right]) => (left < right ? -1 : 1))
}

/** What every session of a race begins with. */
export const first: RaceData = { count: 0, kept: 'kept', old: 'old' }

/** The races, by the sentence that must hold. */
export const scenes: Readonly<Record<string, Scene>> = {
  'two requests that set different keys: both are kept': {
    actors: of(put('one'), put('two')),
    check: (finish) => checkData(finish, finish.cookie, { ...first, one: 'one', two: 'two' }),
  },
  'three requests that count: three are counted': {
    actors: of(count, count, count),
    check: (finish) => checkData(finish, finish.cookie, { ...first, count: 3 }),
  },
  'one deletes a key while another sets one: the key stays deleted': {
    actors: of(({ data }) => void delete data['old'], put('one')),
    check: (finish) => checkData(finish, finish.cookie, { count: 0, kept: 'kept', one: 'one' }),
  },
  'a logout while another request writes: nothing comes back to life': {
    actors: of(end, put('one')),
    async check(finish) {
      const [logout, writer] = finish.results as [Result, Result]
      checkSame(logout.outcome, 'destroyed', 'the logout')
      check(/^(saved|gone|unchanged)$/.test(writer.outcome), `the writer is ${writer.outcome}`)
      await checkDead(finish)
    },
  },
  'a logout while another request reads: nothing comes back to life, no cookie is set': {
    actors: of(end, look),
    async check(finish) {
      const [logout, reader] = finish.results as [Result, Result]
      checkSame(logout.outcome, 'destroyed', 'the logout')
      checkSame(reader.cookie, null, "the reader's cookie")
      await checkDead(finish)
    },
  },
  'a login (renew) while another request writes: the old token is dead, and no data are lost': {
    actors: of(renew, put('one')),
    async check(finish) {
      const { cookie } = only(finish.results, 'renewed')
      const isSaved = finish.results[1]?.outcome === 'saved'
      await checkDead(finish)
      await checkData(finish, cookie as string, isSaved ? { ...first, one: 'one' } : first)
    },
  },
  'two renewals: one wins, and only its token works': {
    actors: of(renew, renew),
    async check(finish) {
      const { cookie } = only(finish.results, 'renewed')
      const [other] = finish.results.filter(({ outcome }) => outcome !== 'renewed')
      check(/^(gone|unchanged)$/.test(other?.outcome ?? ''), `the other is ${other?.outcome}`)
      checkSame(other?.cookie, null, "the other's cookie")
      await checkDead(finish)
      await checkData(finish, cookie as string, first)
    },
  },
  'a logout while the session is renewed: no two outcomes that cannot both be true': {
    actors: of(end, renew),
    async check(finish) {
      const [logout, renewal] = finish.results as [Result, Result]
      await checkDead(finish)
      if (renewal.outcome === 'renewed') {
        check(/^(gone|unchanged)$/.test(logout.outcome), `renewed, and yet ${logout.outcome}`)
        await checkData(finish, renewal.cookie as string, first)
      } else checkSame(logout.outcome, 'destroyed', 'the logout')
    },
  },
  'an eviction while a request writes: the write is gone, and no half session is left': {
    actors: (evict) => [
      { handler: put('one') },
      { behind: (id, gate) => gate('evicts', () => evict(id)) },
    ],
    async check(finish) {
      const [writer] = finish.results as [Result]
      check(/^(saved|gone|unchanged)$/.test(writer.outcome), `the writer is ${writer.outcome}`)
      await checkDead(finish)
    },
  },
  'two visitors without a cookie: two sessions, and neither sees the other': {
    actors: () => [
      { handler: put('one'), cookie: 'none' },
      { handler: put('two'), cookie: 'none' },
    ],
    async check(finish) {
      const [one, two] = finish.results.map(({ cookie }) => cookie as string) as [string, string]
      check(one !== two, 'two visitors were given one token')
      await checkData(finish, one, { one: 'one' })
      await checkData(finish, two, { two: 'two' })
    },
  },
  'two requests whose token is to be rotated: one is given a new one, and both writes are kept': {
    due: true,
    actors: of(put('one'), put('two')),
    async check(finish) {
      const { cookie } = only(finish.results, 'rotated')
      only(finish.results, 'saved')
      await checkData(finish, cookie as string, { ...first, one: 'one', two: 'two' })
    },
  },
  'a logout while a token is rotated: neither token leads anywhere': {
    due: true,
    actors: of(end, look),
    async check(finish) {
      const [logout, reader] = finish.results as [Result, Result]
      checkSame(logout.outcome, 'destroyed', 'the logout')
      await checkDead(finish)
      const { cookie } = reader
      if (cookie)
        checkSame((await finish.read(cookie)).state, 'new', 'the new token leads to one that is')
    },
  },
}
