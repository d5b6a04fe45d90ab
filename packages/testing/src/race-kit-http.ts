import { check, checkSame } from './store-contract-assert.ts'
import type { TestRunner } from './store-contract.ts'

/** An application to race against, over HTTP. */
export interface HttpRacersUnderTest {
  /** Where it runs: `http://127.0.0.1:3000`. A function is asked when a test begins. */
  readonly url: string | (() => string)
  /** Default: `fetch`. An application that is a fetch handler can be given as it is. */
  readonly fetch?: (request: Request) => Promise<Response>
  /**
   * How long the slow requests take, in milliseconds: so much that they have read their session after a
   * quarter of it, and a quick request has ended before it is over. Default: 400.
   */
  readonly slow?: number
}

interface Answer {
  readonly status: number
  readonly state: string
  readonly data: Readonly<Record<string, unknown>>
  readonly setCookies: readonly string[]
}

/** Somebody with a browser that keeps one cookie. */
interface Visitor {
  cookie: string
  readonly ask: (method: string, path: string, body?: object) => Promise<Answer>
}

/**
 * Describes the races that an adapter, or an application, must survive, as tests of your runner. The
 * application has five routes, which all answer `{ "state": session.state, "data": session.data }`:
 *
 * - `GET /api/session` reads
 * - `PATCH /api/session?delay=MS` with `{ "set": { … }, "delete": [ … ] }` waits, then sets and deletes keys
 * - `POST /api/increment?key=visits&delay=MS` waits, then adds 1; the key is merged by `sum`
 * - `POST /api/login?delay=MS` with `{ "user": "ada" }` waits, then renews, and sets `user`
 * - `POST /api/logout` destroys
 *
 * ```ts
 * import { describe, it } from 'vitest' // or node:test, or bun:test
 * describeHttpRaces('my adapter', { url: 'http://127.0.0.1:3000' }, { describe, it })
 * ```
 */
export function describeHttpRaces(
  name: string,
  subject: HttpRacersUnderTest,
  runner: TestRunner,
): void {
  const { slow = 400 } = subject
  const later = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, slow / 4))
  const test = (sentence: string, body: (visitor: Visitor) => Promise<void>): void =>
    void runner.it(sentence, async () => {
      const visitor = createVisitor(subject, '')
      const { setCookies } = await visitor.ask('PATCH', '/api/session', { set: { first: 1 } })
      checkSame(setCookies.length, 1, 'cookies set by the first write')
      await body(visitor)
    })
  const again = (visitor: Visitor): Visitor => createVisitor(subject, visitor.cookie)

  runner.describe(`${name}: races over HTTP`, () => {
    test('30 requests at once that set keys of their own: all are kept', async (visitor) => {
      const keys = Array.from({ length: 30 }, (_, at) => `own${at}`)
      const answers = await Promise.all(
        keys.map((key) => visitor.ask('PATCH', '/api/session?delay=50', { set: { [key]: 1 } })),
      )
      checkAnswered(answers)
      const { data } = await visitor.ask('GET', '/api/session')
      checkSame(keys.filter((key) => data[key] === 1).length, 30, 'keys kept')
    })

    test('30 requests at once that count: 30 are counted', async (visitor) => {
      const answers = await Promise.all(
        Array.from({ length: 30 }, () => visitor.ask('POST', '/api/increment?key=visits&delay=50')),
      )
      checkAnswered(answers)
      checkSame((await visitor.ask('GET', '/api/session')).data['visits'], 30, 'visits')
    })

    test('a deletion while another request writes stays', async (visitor) => {
      const late = visitor.ask('PATCH', `/api/session?delay=${slow}`, { set: { slow: 1 } })
      await later()
      await visitor.ask('PATCH', '/api/session', { delete: ['first'] })
      await late
      const { data } = await visitor.ask('GET', '/api/session')
      checkSame(JSON.stringify(data), '{"slow":1}', 'the data')
    })

    test('a logout while another request writes: no cookie, and nothing comes back', async (visitor) => {
      const old = again(visitor)
      const late = old.ask('PATCH', `/api/session?delay=${slow}`, { set: { slow: 1 } })
      await later()
      await visitor.ask('POST', '/api/logout')
      checkSame(visitor.cookie, '', 'the cookie after the logout')
      checkQuiet(await late)
      await checkDead(old)
    })

    test('a login while another request writes: no cookie, and the old one is dead', async (visitor) => {
      const old = again(visitor)
      const late = old.ask('PATCH', `/api/session?delay=${slow}`, { set: { slow: 1 } })
      await later()
      await visitor.ask('POST', '/api/login', { user: 'ada' })
      check(visitor.cookie !== old.cookie, 'the login kept the cookie')
      checkQuiet(await late)
      await checkDead(old)
      const { data } = await visitor.ask('GET', '/api/session')
      checkSame(
        JSON.stringify([data['first'], data['user']]),
        '[1,"ada"]',
        'the data after the login',
      )
    })

    test('a slow login while another request writes: the write goes along', async (visitor) => {
      const old = again(visitor)
      const late = visitor.ask('POST', `/api/login?delay=${slow}`, { user: 'ada' })
      await later()
      await old.ask('PATCH', '/api/session', { set: { quick: 1 } })
      await late
      await checkDead(old)
      const { data } = await visitor.ask('GET', '/api/session')
      checkSame(
        JSON.stringify([data['quick'], data['user']]),
        '[1,"ada"]',
        'the data after the login',
      )
    })
  })
}

/** Says that the store was too slow, or the requests too many, where that is why something was lost. */
function checkAnswered(answers: readonly Answer[]): void {
  const refused = answers.filter(({ status }) => status >= 400)
  checkSame(refused.length, 0, 'requests that were not carried out')
}

/** A request that lost a race is answered all the same, and leaves the cookie alone. */
function checkQuiet({ status, setCookies }: Answer): void {
  check(status < 500, `the slow request was answered with ${status}`)
  checkSame(setCookies.length, 0, 'cookies set by the slow request')
}

async function checkDead(old: Visitor): Promise<void> {
  const { state, data } = await old.ask('GET', '/api/session')
  checkSame(state, 'new', 'under the old cookie the session is')
  checkSame(JSON.stringify(data), '{}', 'under the old cookie the data are')
}

function createVisitor(subject: HttpRacersUnderTest, cookie: string): Visitor {
  const send = subject.fetch ?? ((request) => fetch(request))
  const visitor: Visitor = {
    cookie,
    async ask(method, path, body) {
      const url = typeof subject.url === 'string' ? subject.url : subject.url()
      const headers = new Headers({ 'Content-Type': 'application/json' })
      if (visitor.cookie !== '') headers.set('Cookie', visitor.cookie)
      const text = body === undefined ? null : JSON.stringify(body)
      const response = await send(new Request(new URL(path, url), { method, headers, body: text }))
      const setCookies = response.headers.getSetCookie()
      for (const line of setCookies) keepCookie(visitor, line)
      const seen = (await response.json()) as Pick<Answer, 'state' | 'data'>
      return { status: response.status, setCookies, ...seen }
    },
  }
  return visitor
}

function keepCookie(visitor: Visitor, line: string): void {
  const [pair = ''] = line.split(';')
  visitor.cookie = /max-age=0|=$/i.test(line) || pair.endsWith('=') ? '' : pair
}
