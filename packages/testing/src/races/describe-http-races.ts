import { check, checkSame } from '../assert.ts'
import type { TestRunner } from '../runner.ts'
import type { FetchHandler, Visitor } from '../visitor/visitor.ts'
import { createVisitor } from '../visitor/visitor.ts'

/** An application to test over HTTP. */
export interface AppUnderTest {
  /** Its origin: `http://127.0.0.1:3000`. A function is called when a test begins. */
  readonly url: string | (() => string)
  /** Default: `fetch`. An application that is a fetch handler can be given as it is. */
  readonly fetch?: FetchHandler
  /**
   * The duration of a slow request in milliseconds. After a quarter of it the request must have read its
   * session, and a quick request must end before it is over. Default: 400.
   */
  readonly slow?: number
}

interface Answer {
  readonly status: number
  readonly state: string
  readonly data: Readonly<Record<string, unknown>>
  readonly setCookies: readonly string[]
}

type Method = 'GET' | 'PATCH' | 'POST'

/**
 * Defines tests of the races that an adapter, or an application, must survive, with your test runner. The
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
export function describeHttpRaces(name: string, app: AppUnderTest, runner: TestRunner): void {
  const { slow = 400, fetch: send = (request) => fetch(request) } = app
  const later = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, slow / 4))
  const test = (sentence: string, body: (visitor: Visitor) => Promise<void>): void =>
    void runner.it(sentence, async () => {
      const visitor = createVisitor(send, { origin: app.url })
      const { setCookies } = await ask(visitor, 'PATCH', '/api/session', { set: { first: 1 } })
      checkSame(setCookies.length, 1, 'cookies set by the first write')
      await body(visitor)
    })

  runner.describe(`${name}: races over HTTP`, () => {
    test('30 requests at once that set keys of their own: all are kept', async (visitor) => {
      const keys = Array.from({ length: 30 }, (_, at) => `own${at}`)
      const answers = await Promise.all(
        keys.map((key) => ask(visitor, 'PATCH', '/api/session?delay=50', { set: { [key]: 1 } })),
      )
      checkAnswered(answers)
      const { data } = await ask(visitor, 'GET', '/api/session')
      checkSame(keys.filter((key) => data[key] === 1).length, 30, 'keys kept')
    })

    test('30 requests at once that count: 30 are counted', async (visitor) => {
      const answers = await Promise.all(
        Array.from({ length: 30 }, () =>
          ask(visitor, 'POST', '/api/increment?key=visits&delay=50'),
        ),
      )
      checkAnswered(answers)
      checkSame((await ask(visitor, 'GET', '/api/session')).data['visits'], 30, 'visits')
    })

    test('a deletion while another request writes stays', async (visitor) => {
      const late = ask(visitor, 'PATCH', `/api/session?delay=${slow}`, { set: { slow: 1 } })
      await later()
      await ask(visitor, 'PATCH', '/api/session', { delete: ['first'] })
      await late
      const { data } = await ask(visitor, 'GET', '/api/session')
      checkSame(JSON.stringify(data), '{"slow":1}', 'the data')
    })

    test('a logout while another request writes: no cookie, and nothing comes back', async (visitor) => {
      const old = visitor.copy()
      const late = ask(old, 'PATCH', `/api/session?delay=${slow}`, { set: { slow: 1 } })
      await later()
      await ask(visitor, 'POST', '/api/logout')
      check(!hasToken(visitor), `the cookie after the logout: ${visitor.cookie}`)
      checkQuiet(await late)
      await checkDead(old)
    })

    test('a login while another request writes: no cookie, and the old one is dead', async (visitor) => {
      const old = visitor.copy()
      const late = ask(old, 'PATCH', `/api/session?delay=${slow}`, { set: { slow: 1 } })
      await later()
      await ask(visitor, 'POST', '/api/login', { user: 'ada' })
      check(visitor.cookie !== old.cookie, 'the login kept the cookie')
      checkQuiet(await late)
      await checkDead(old)
      const { data } = await ask(visitor, 'GET', '/api/session')
      checkSame(
        JSON.stringify([data['first'], data['user']]),
        '[1,"ada"]',
        'the data after the login',
      )
    })

    test('a slow login while another request writes: the write goes along', async (visitor) => {
      const old = visitor.copy()
      const late = ask(visitor, 'POST', `/api/login?delay=${slow}`, { user: 'ada' })
      await later()
      await ask(old, 'PATCH', '/api/session', { set: { quick: 1 } })
      await late
      await checkDead(old)
      const { data } = await ask(visitor, 'GET', '/api/session')
      checkSame(
        JSON.stringify([data['quick'], data['user']]),
        '[1,"ada"]',
        'the data after the login',
      )
    })
  })
}

/** Fails early if requests were refused: then a lost change says nothing about the merge. */
function checkAnswered(answers: readonly Answer[]): void {
  const refused = answers.filter(({ status }) => status >= 400)
  checkSame(refused.length, 0, 'refused requests')
}

/** A request that lost a race still gets a response, which sets no cookie. */
function checkQuiet({ status, setCookies }: Answer): void {
  check(status < 500, `the slow request got the status ${status}`)
  checkSame(setCookies.length, 0, 'cookies set by the slow request')
}

async function checkDead(old: Visitor): Promise<void> {
  const { state, data } = await ask(old, 'GET', '/api/session')
  checkSame(state, 'new', 'the state of the session under the old cookie')
  checkSame(JSON.stringify(data), '{}', 'the data of the session under the old cookie')
}

/** An application may delete a cookie by an empty value. */
function hasToken({ cookie }: Visitor): boolean {
  return cookie !== '' && !cookie.endsWith('=')
}

async function ask(visitor: Visitor, method: Method, path: string, body?: object): Promise<Answer> {
  const response = await visitor.fetch(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const setCookies = response.headers.getSetCookie()
  const seen = (await response.json()) as Pick<Answer, 'state' | 'data'>
  return { status: response.status, setCookies, ...seen }
}
