import { createTestSessions } from '@coatcheck/harness/test-sessions'
import { createVisitor, describeHttpRaces } from '@coatcheck/testing'
import type { Visitor } from '@coatcheck/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { page } from './routes.ts'
import type { Running, StartServer } from './servers.ts'
import { servers } from './servers.ts'

/** Each takes seconds. */
const racing = [
  'node:http',
  'Express 5',
  'Express 4, compression, helmet and cors behind a guard',
  'Fastify 5, compress, helmet and cors',
]

describe.each(Object.entries(servers))('%s', (name, start) => {
  const { store, sessions } = createTestSessions()
  const errors: unknown[] = []
  let running: Running
  let visitor: Visitor
  const hasKit = name.includes(',') || name.includes('guard')
  const isGuarded = name.includes('guard')

  beforeAll(async () => {
    running = await start(sessions, { onError: (error) => void errors.push(error) })
  })
  afterAll(() => running.stop())
  beforeEach(() => {
    errors.length = 0
    store.isDown = false
    visitor = createVisitor((request) => fetch(request), { origin: running.url })
  })

  const visits = async (): Promise<unknown> => {
    const { session } = await sessions.open(visitor.cookie)
    return session.data['visits']
  }
  const isOurs = (line: string): boolean => line.startsWith('sid=')

  it('makes no trip and adds nothing if the session is not asked for', async () => {
    await visitor.fetch('/end')
    store.trips = 0
    const { status, headers } = await visitor.fetch('/public')
    expect([status, store.trips]).toEqual([200, 0])
    expect(headers.get('Cache-Control')).toBe('public, max-age=60')
    expect(headers.get('Vary') ?? '').not.toMatch(/cookie/i)
    expect(headers.getSetCookie()).toEqual([])
  })

  it.each(['/end', '/write-head', '/write-head-list', '/pieces', '/stream'])(
    'saves before the headers leave, and adds the cookie and the caching headers: %s',
    async (path) => {
      const first = await visitor.fetch(path)
      const bodies = path === '/pieces' || path === '/stream' ? page + page : page
      expect(await first.text()).toBe(`${bodies}1`)
      expect(first.headers.getSetCookie().filter(isOurs)).toHaveLength(1)
      expect(first.headers.get('Cache-Control')).toBe('private, no-store')
      expect(first.headers.get('Vary')).toMatch(/Cookie/)
      if (hasKit && !name.startsWith('Fastify') && path !== '/write-head-list') {
        expect(first.headers.get('Content-Encoding')).toMatch(/gzip|br/)
        expect(first.headers.get('Vary')).toMatch(/Accept-Encoding/)
      }
      if (path === '/write-head') expect(first.status).toBe(201)
      if (path === '/write-head-list') {
        expect(first.headers.getSetCookie()).toEqual(
          expect.arrayContaining(['own=1', 'other=2', expect.stringMatching(/^sid=/)]),
        )
      }
      expect(await visits()).toBe(1)
      const again = await visitor.fetch(path)
      await again.text()
      expect(again.headers.getSetCookie().filter(isOurs)).toEqual([])
      expect(again.headers.get('Cache-Control')).toBe('private')
    },
  )

  it('signs in with a redirect; if that was not done, the response is a 503 in its place', async () => {
    await visitor.fetch('/end')
    const old = visitor.copy()
    const { status, headers } = await visitor.fetch('/redirect')
    expect([status, headers.get('Location')]).toEqual([303, '/end'])
    expect(visitor.cookie).not.toBe(old.cookie)
    store.isDown = true
    const failed = await visitor.fetch('/redirect')
    expect([failed.status, failed.headers.get('Location')]).toEqual([503, null])
    expect(failed.headers.get('Retry-After')).toBe('5')
    expect(await failed.text()).toMatch(/^You could not be signed in/)
  })

  it.each(['/fail', '/fail-400', '/fail-destroyed'])(
    'drops the changes after an error: %s',
    async (path) => {
      await visitor.fetch('/end')
      const response = await visitor.fetch(path)
      await response.text()
      // node:http has no error that means a 400.
      const isOwn = path === '/fail-400' && name !== 'node:http'
      expect(response.status).toBe(isOwn ? 400 : 500)
      expect(await visits()).toBe(path === '/fail-destroyed' ? undefined : 1)
    },
  )

  it('takes a response with a 5xx status for an error, where errors are not told apart', async () => {
    await visitor.fetch('/end')
    const response = await visitor.fetch('/five-hundred')
    expect([response.status, await response.text()]).toEqual([500, 'sorry'])
    expect(await visits()).toBe(name === 'node:http' ? 2 : 1)
  })

  it('is a 500 with nothing of the answer if the session cannot be saved', async () => {
    const response = await visitor.fetch('/unsaveable')
    expect([response.status, await response.text()]).toEqual([500, ''])
    expect(errors).toMatchObject([{ code: 'unsupported-value' }])
  })

  it('refuses changes once the headers have left, with a text that says so', async () => {
    await visitor.fetch('/end')
    const late = await (await visitor.fetch('/late')).text()
    // Behind a guard that has asked for the session before, it is in time.
    expect(late).toMatch(isGuarded ? /^achanged$/ : /^a.*after the headers were sent/)
    expect(await visits()).toBe(1)
  })

  it('leaves an answer alone that has ended, as Node does', async () => {
    const response = await visitor.fetch('/after-end')
    expect([response.status, await response.text()]).toEqual([200, 'first'])
    expect(response.headers.has('X-Late')).toBe(false)
  })

  it('keeps the headers of other middleware', async () => {
    const { headers } = await visitor.fetch('/end')
    expect(headers.get('X-Content-Type-Options')).toBe(hasKit ? 'nosniff' : null)
  })

  if (racing.includes(name)) describeHttpRaces(name, { url: () => running.url }, { describe, it })
})

describe.each(['Fastify 5', 'Fastify 5, compress, helmet and cors'])('reply of %s', (name) => {
  const { sessions } = createTestSessions()
  const hasKit = name.includes(',')
  let running: Running
  beforeAll(async () => void (running = await (servers[name] as StartServer)(sessions, {})))
  afterAll(() => running.stop())

  it('saves with what it sends, and with a thrown Response', async () => {
    const visitor = createVisitor((request) => fetch(request), { origin: running.url })
    const sent = await visitor.fetch('/reply')
    expect(await sent.text()).toBe(`${page}1`)
    expect(sent.headers.getSetCookie()).toHaveLength(2)
    expect(sent.headers.has('Content-Encoding')).toBe(hasKit)
    expect(sent.headers.get('X-Content-Type-Options')).toBe(hasKit ? 'nosniff' : null)
    expect(await (await visitor.fetch('/reply-stream')).text()).toBe(`${page}2`)
    const thrown = await visitor.fetch('/throw-response')
    expect([thrown.status, await thrown.text()]).toEqual([401, 'sign in first'])
    const { session } = await sessions.open(visitor.cookie)
    expect(session.data['visits']).toBe(3)
  })
})
