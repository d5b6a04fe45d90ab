import type { Outcome, Session } from '@coatcheck/core'
import type { Step } from './schedule.ts'
import { check, checkSame } from '../assert.ts'

export type RaceData = Record<string, unknown>

/** What one participant of a race does: a request with a handler, or an operation on the store outside any session. */
export type Participant =
  | {
      readonly handler: (session: Session<RaceData>) => void
      readonly cookie?: 'none'
      /** It runs the handler also if it finds no session. */
      readonly always?: boolean
    }
  | { readonly direct: (id: string, step: Step) => Promise<void> }

/** The result of a participant. `cookie`: the cookie of the response; an empty value deletes it. */
export interface Result {
  readonly outcome: Outcome | 'direct'
  readonly cookie: string | null
}

/** What a scenario checks after a race. */
export interface Ended {
  readonly results: readonly Result[]
  /** The cookie of the requests. */
  readonly cookie: string
  /** What another process now reads with a cookie. */
  readonly read: (cookie: string) => Promise<{ readonly state: string; readonly data: RaceData }>
}

/** Concurrent participants, and what must hold afterwards, in any order. */
export interface Scenario {
  readonly participants: (evict: (id: string) => Promise<void>) => readonly Participant[]
  readonly check: (ended: Ended) => Promise<void>
  /** The session's token is due for rotation. */
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
  (): readonly Participant[] =>
    handlers.map((handler) => ({ handler, always: handler === end }))

/** The one result with this outcome. Fails if there is not exactly one. */
function only(results: readonly Result[], outcome: Outcome): Result {
  const found = results.filter((result) => result.outcome === outcome)
  checkSame(found.length, 1, `how many ended ${outcome} (${outcomes(results)})`)
  return found[0] as Result
}

const outcomes = (results: readonly Result[]): string =>
  results.map(({ outcome }) => outcome).join(', ')

async function checkDead({ read, cookie }: Ended): Promise<void> {
  checkSame((await read(cookie)).state, 'new', 'the state of the session under the old token')
}

async function checkData(ended: Ended, cookie: string, expected: RaceData): Promise<void> {
  const { state, data } = await ended.read(cookie)
  checkSame(state, 'live', 'the state of the session')
  checkSame(JSON.stringify(sorted(data)), JSON.stringify(sorted(expected)), 'its data')
}

function sorted(data: RaceData): [string, unknown][] {
  return Object.entries(data).toSorted(([left], [right]) => (left < right ? -1 : 1))
}

/** The data of the session at the start of a race. */
export const initialData: RaceData = { count: 0, kept: 'kept', old: 'old' }

/** The scenarios, each under the sentence that must hold. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  'two requests that set different keys: both are kept': {
    participants: of(put('one'), put('two')),
    check: (ended) => checkData(ended, ended.cookie, { ...initialData, one: 'one', two: 'two' }),
  },
  'three requests that count: three are counted': {
    participants: of(count, count, count),
    check: (ended) => checkData(ended, ended.cookie, { ...initialData, count: 3 }),
  },
  'one deletes a key while another sets one: the key stays deleted': {
    participants: of(({ data }) => void delete data['old'], put('one')),
    check: (ended) => checkData(ended, ended.cookie, { count: 0, kept: 'kept', one: 'one' }),
  },
  'a logout while another request writes: nothing comes back to life': {
    participants: of(end, put('one')),
    async check(ended) {
      const [logout, writer] = ended.results as [Result, Result]
      checkSame(logout.outcome, 'destroyed', 'the logout')
      check(/^(saved|gone|unchanged)$/.test(writer.outcome), `the writer is ${writer.outcome}`)
      await checkDead(ended)
    },
  },
  'a logout while another request reads: nothing comes back to life, no cookie is set': {
    participants: of(end, look),
    async check(ended) {
      const [logout, reader] = ended.results as [Result, Result]
      checkSame(logout.outcome, 'destroyed', 'the logout')
      checkSame(reader.cookie, null, "the reader's cookie")
      await checkDead(ended)
    },
  },
  'a login (renew) while another request writes: the old token is dead, and no data is lost': {
    participants: of(renew, put('one')),
    async check(ended) {
      const { cookie } = only(ended.results, 'renewed')
      const writer = ended.results[1] as Result
      const isSaved = writer.outcome === 'saved'
      check(/^(saved|moved|unchanged)$/.test(writer.outcome), `the writer is ${writer.outcome}`)
      checkSame(writer.cookie, null, "the writer's cookie")
      await checkDead(ended)
      await checkData(
        ended,
        cookie as string,
        isSaved ? { ...initialData, one: 'one' } : initialData,
      )
    },
  },
  'two renewals: one wins, and only its token works': {
    participants: of(renew, renew),
    async check(ended) {
      const { cookie } = only(ended.results, 'renewed')
      const [other] = ended.results.filter(({ outcome }) => outcome !== 'renewed')
      check(/^(moved|unchanged)$/.test(other?.outcome ?? ''), `the other is ${other?.outcome}`)
      checkSame(other?.cookie, null, "the other's cookie")
      await checkDead(ended)
      await checkData(ended, cookie as string, initialData)
    },
  },
  'a logout while the session is renewed: neither token leads anywhere': {
    participants: of(end, renew),
    async check(ended) {
      const [logout, renewal] = ended.results as [Result, Result]
      checkSame(logout.outcome, 'destroyed', 'the logout')
      check(/^(renewed|gone|unchanged)$/.test(renewal.outcome), `the renewal is ${renewal.outcome}`)
      await checkDead(ended)
      if (renewal.cookie) {
        const { state } = await ended.read(renewal.cookie)
        checkSame(state, 'new', 'the state of the session under the new token')
      }
    },
  },
  'an eviction while a request writes: the write is gone, and no half session is left': {
    participants: (evict) => [
      { handler: put('one') },
      { direct: (id, step) => step('evicts', () => evict(id)) },
    ],
    async check(ended) {
      const [writer] = ended.results as [Result]
      check(/^(saved|gone|unchanged)$/.test(writer.outcome), `the writer is ${writer.outcome}`)
      await checkDead(ended)
    },
  },
  'two visitors without a cookie: two sessions, and neither sees the other': {
    participants: () => [
      { handler: put('one'), cookie: 'none' },
      { handler: put('two'), cookie: 'none' },
    ],
    async check(ended) {
      const [one, two] = ended.results.map(({ cookie }) => cookie as string) as [string, string]
      check(one !== two, 'two visitors got the same token')
      await checkData(ended, one, { one: 'one' })
      await checkData(ended, two, { two: 'two' })
    },
  },
  'two requests whose token is due for rotation: one gets a new token, and both writes are kept': {
    due: true,
    participants: of(put('one'), put('two')),
    async check(ended) {
      const { cookie } = only(ended.results, 'rotated')
      only(ended.results, 'saved')
      await checkData(ended, cookie as string, { ...initialData, one: 'one', two: 'two' })
    },
  },
  'a logout while a token is rotated: neither token leads anywhere': {
    due: true,
    participants: of(end, look),
    async check(ended) {
      const [logout, reader] = ended.results as [Result, Result]
      checkSame(logout.outcome, 'destroyed', 'the logout')
      await checkDead(ended)
      const { cookie } = reader
      if (cookie)
        checkSame(
          (await ended.read(cookie)).state,
          'new',
          'the state of the session under the new token',
        )
    },
  },
}
