import { bindDevice } from '@coatcheck/harness/bind-device'
import type { StartExample } from '@coatcheck/harness/example-suite'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { commandCount, startMemcached } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KitApp, RunningExample } from './app.ts'
import { describeBrowser } from './browser.ts'
import { describeStreams } from './streams.ts'
import type { Answer, Visitor } from './visitor.ts'
import { createVisitor, textOf } from './visitor.ts'

/** The traps application, built and running on a memcached of its own. */
export interface Traps {
  readonly url: string
  readonly memcached: MemcachedProcess
  /** A new visitor. */
  readonly visitor: () => Visitor
  /** A visitor with a session, who did each of these once. */
  readonly guest: (...done: readonly string[]) => Promise<Visitor>
  /** How many commands memcached executes meanwhile. */
  readonly count: (run: () => Promise<unknown>) => Promise<number>
  /** How often the session is read meanwhile, and how often its idle end is moved with that. */
  readonly reads: (run: () => Promise<unknown>) => Promise<{ read: number; moved: number }>
  /** Restarts memcached, without records, and waits until the application uses it again. */
  readonly recover: () => Promise<void>
}

/** Every known trap of SvelteKit as a test, on one of its major versions. */
export function describeTraps(name: string, app: KitApp): void {
  let memcached: MemcachedProcess | undefined
  let commandsOfBuild = -1
  const stored = (): MemcachedProcess => {
    if (memcached === undefined) throw new Error('memcached is started before the tests')
    return memcached
  }
  const count: Traps['count'] = async (run) => {
    const before = await stored().commands()
    await run()
    return commandCount(before, await stored().commands())
  }

  beforeAll(async () => {
    memcached = await startMemcached()
    const { address } = memcached
    commandsOfBuild = await count(async () => app.build({ MEMCACHE_SERVERS: address }))
  })
  afterAll(() => memcached?.kill())

  function useTraps(order: string, start: StartExample = app.start): Traps {
    let running: RunningExample | undefined
    beforeAll(async () => {
      running = await start({ ORDER: order, MEMCACHE_SERVERS: stored().address })
    })
    afterAll(async () => void (await running?.stop()))
    const url = (): string => running?.url ?? ''
    return {
      get url() {
        return url()
      },
      get memcached() {
        return stored()
      },
      visitor: () => createVisitor(url()),
      async guest(...done) {
        const visitor = createVisitor(url())
        for (const what of done.length === 0 ? ['coat'] : done)
          await visitor.post(`/api/add?what=${what}`)
        return visitor
      },
      count,
      async reads(run) {
        const before = await stored().commands()
        await run()
        const after = await stored().commands()
        const moved = after.touch - before.touch
        return { read: moved + after.get - before.get, moved }
      },
      async recover() {
        await stored().restart()
        const outcome = async (): Promise<string | null> =>
          (await createVisitor(url()).post('/api/add?what=coat')).outcome
        await expect.poll(outcome).toBe('created')
      },
    }
  }

  describe(`${name}, the hook first of several`, () => {
    const traps = useTraps('first')

    it('asks the store nothing while it is built and pages are prerendered', () => {
      expect(commandsOfBuild).toBe(0)
    })
    it('answers a browser that binds its session, by the line of the documentation', async () => {
      expect(await bindDevice(traps.url, '/bound', traps.url.replace('http:', 'https:'))).toEqual({
        statuses: [200, 200, 403, 400],
        cookies: ['__Host-Http-sid', '__Host-sid-bound'],
      })
    })
    describePrerendering(traps)
    describeTrips(traps)
    describeSubRequests(traps)
    describeResponses(traps)
    describeLaterHooks(traps)
    describeThrown(traps)
    describeActions(traps)
    describeStreams(traps)
    describeBrowser(traps)
  })

  describe(`${name}, the hook between others`, () => {
    const traps = useTraps('middle')
    describePosition(traps)
    describeTooEarly(traps)
    describeLaterHooks(traps)
  })

  describe(`${name}, the hook last of several`, () => {
    const traps = useTraps('last')
    describePosition(traps)
    describeTooEarly(traps)
  })

  describe(`${name}, the hook alone`, () => {
    const traps = useTraps('alone')
    describePosition(traps)
    describeOutage(traps)
  })

  describe(`${name}, in development`, () => {
    const traps = useTraps('first', app.develop)
    describePosition(traps)

    it('keeps the sessions when the hooks file is edited', async () => {
      const guest = await traps.guest()
      const says = async (): Promise<string | null> =>
        (await guest.get('/never')).headers.get('X-Hooks')
      expect(await says()).toBe('copied')
      app.edit('src/hooks.server.ts', `'X-Hooks', 'copied'`, `'X-Hooks', 'edited'`)
      await expect.poll(says).toBe('edited')
      await guest.post('/api/add?what=hat')
      expect((await guest.session()).data).toEqual({ n_coat: 1, n_hat: 1 })
    })
  })
}

function describePrerendering(traps: Traps): void {
  it('gives a prerendered page an empty session that cannot be changed', async () => {
    const { text } = await traps.visitor().get('/public')
    expect(textOf(text, 'state')).toBe('new')
    expect(textOf(text, 'refusal')).toMatch(/prerender/)
  })
}

function describeTrips(traps: Traps): void {
  it('0 commands for prerendered pages, static files and pages that do not ask, with a cookie', async () => {
    const guest = await traps.guest()
    const script = /"(\.\/_app\/immutable\/entry\/start[^"]+)"/.exec(
      (await guest.get('/never')).text,
    )?.[1]
    expect(script).toBeDefined()
    for (const path of [
      '/public',
      '/robots.txt',
      '/never',
      '/',
      new URL(script ?? '', traps.url).pathname,
    ]) {
      const asked = await traps.count(async () => {
        const { status, outcome, cookies } = await guest.get(path)
        expect({ path, status, outcome, cookies }).toEqual({
          path,
          status: 200,
          outcome: null,
          cookies: [],
        })
      })
      expect({ path, asked }).toEqual({ path, asked: 0 })
    }
  })

  it('1 command for a page that reads in its layout, itself and two endpoints, 0 without a cookie', async () => {
    const guest = await traps.guest()
    expect(await traps.count(() => guest.get('/reads'))).toBe(1)
    expect(await traps.count(() => guest.data('/reads'))).toBe(1)
    expect(await traps.count(() => traps.visitor().get('/reads'))).toBe(0)
  })

  it('2 commands for a page view that changes the session in a page and an endpoint, 1 to begin it', async () => {
    const visitor = traps.visitor()
    expect(await traps.count(() => visitor.get('/reads?change'))).toBe(1)
    expect(await traps.count(() => visitor.get('/reads?change'))).toBe(2)
    expect((await visitor.session()).data).toEqual({ n_page: 2, n_endpoint: 2 })
  })

  it('a prefetch does not move the idle end, other requests do', async () => {
    const guest = await traps.guest()
    for (const purpose of [
      { 'Sec-Purpose': 'prefetch' },
      { 'Sec-Purpose': 'prefetch;prerender' },
      { Purpose: 'prefetch' },
    ]) {
      expect(await traps.reads(() => guest.get('/reads', purpose))).toEqual({ read: 1, moved: 0 })
    }
    for (const purpose of [{}, { 'Sec-Purpose': 'other' }, { Purpose: 'not-prefetch' }]) {
      expect(await traps.reads(() => guest.get('/reads', purpose))).toEqual({ read: 1, moved: 1 })
    }
  })

  it('0 commands for what SvelteKit refuses: an unknown page, a form of another site', async () => {
    const guest = await traps.guest()
    const asked = await traps.count(async () => {
      expect((await guest.get('/nothing')).status).toBe(404)
      expect(
        (await guest.post('/action?/returns', { Origin: 'https://evil.example' })).status,
      ).toBe(403)
    })
    expect(asked).toBe(0)
  })
}

function describeSubRequests(traps: Traps): void {
  it('event.fetch of a first visit creates one session and sets one cookie, wherever it is changed', async () => {
    await traps.memcached.flush()
    const visitor = traps.visitor()
    const { text, cookies, outcome } = await visitor.get('/fresh')
    expect(outcome).toBe('created')
    expect(cookies).toHaveLength(1)
    expect(await traps.memcached.keys()).toHaveLength(1)
    expect((await visitor.session()).data).toEqual({ n_sub: 4, n_page: 1 })
    expect(JSON.parse(textOf(text, 'cookies'))).toEqual([])
    expect(JSON.parse(textOf(text, 'kept'))).toEqual(['yes', 'yes', 'yes', 'yes'])
  })

  it('event.fetch shares the session, also of a sub-request of a sub-request', async () => {
    const guest = await traps.guest()
    const { id } = await guest.session()
    const { text } = await guest.get('/reads')
    expect(id).toMatch(/./)
    expect(JSON.parse(textOf(text, 'ids'))).toEqual([id, id, id])
  })

  it('event.fetch sees what the page changed before, and the page what the endpoint changed', async () => {
    const guest = await traps.guest()
    const { text } = await guest.get('/reads?change')
    expect(JSON.parse(textOf(text, 'done'))).toEqual({ n_coat: 1, n_page: 1, n_endpoint: 1 })
  })

  it('a destroy in a sub-request ends the session, and deletes the cookie', async () => {
    const guest = await traps.guest()
    const old = guest.copy()
    const { outcome } = await guest.post('/api/give-up')
    expect([outcome, guest.cookie()]).toEqual(['destroyed', ''])
    expect((await old.session()).state).toBe('new')
  })

  it('a client that sends our header itself gets its own session only', async () => {
    const guest = await traps.guest()
    const { text } = await traps
      .visitor()
      .get('/api/session', { 'X-Coatcheck-Share': crypto.randomUUID() })
    expect(JSON.parse(text)).toEqual({ id: null, state: 'new', data: {} })
    expect((await guest.session()).state).toBe('live')
  })

  it('a sub-request that fails, and whose handleError calls discard, leaves the page its changes', async () => {
    const guest = await traps.guest()
    const { text, outcome } = await guest.get('/asks')
    expect([textOf(text, 'endpoint'), outcome]).toEqual(['500', 'saved'])
    expect((await guest.session()).data).toEqual({ n_coat: 1, n_page: 1, n_endpoint: 1 })
    expect((await guest.get('/api/drops')).outcome).toBe('discarded')
  })

  it('20 data requests at once, as prefetching makes them, lose nothing', async () => {
    const guest = await traps.guest()
    await Promise.all(Array.from({ length: 20 }, () => guest.data('/reads?change')))
    expect((await guest.session()).data).toEqual({ n_coat: 1, n_page: 20, n_endpoint: 20 })
  })
}

function describeResponses(traps: Traps): void {
  it('sets the cookie on an immutable Response.redirect()', async () => {
    const visitor = traps.visitor()
    const { status, headers, cookies } = await visitor.get('/api/redirect')
    expect([status, headers.get('Location')]).toEqual([303, `${traps.url}/landed`])
    expect(cookies).toHaveLength(1)
    expect((await visitor.session()).data).toEqual({ n_endpoint: 1 })
  })

  it('sets the cookie on an immutable response that fetch() gave', async () => {
    const visitor = traps.visitor()
    const { status, text, cookies } = await visitor.get('/api/forward')
    expect([status, text.trim(), cookies.length]).toEqual([200, 'User-agent: *', 1])
    expect((await visitor.session()).data).toEqual({ n_endpoint: 1 })
  })

  it('keeps the cookies that the app sets itself', async () => {
    const { cookies } = await traps.visitor().get('/api/cookies')
    expect(cookies.map((line) => line.slice(0, line.indexOf('='))).toSorted()).toEqual([
      'language',
      'sid',
      'theme',
    ])
  })

  it('lets session.data itself through SvelteKit’s serialiser', async () => {
    const guest = await traps.guest('coat', 'hat')
    expect(textOf((await guest.get('/serialised')).text, 'done')).toBe('{"n_coat":1,"n_hat":1}')
    expect((await guest.data('/serialised')).text).toContain('n_hat')
  })

  it('sets no cookie for a new session that is only read', async () => {
    const { cookies, outcome } = await traps.visitor().get('/reads')
    expect([cookies, outcome]).toEqual([[], 'unchanged'])
  })
}

const redirect = { type: 'redirect', location: '/landed' }

/** What later hooks do. */
function describeLaterHooks(traps: Traps): void {
  async function visit(ask: (visitor: Visitor) => Promise<Answer>): Promise<Answer> {
    const visitor = traps.visitor()
    const answer = await ask(visitor)
    expect(answer.cookies.filter((line) => line.startsWith('sid='))).toHaveLength(1)
    expect((await visitor.session()).data).toEqual({ n_hook: 1 })
    return answer
  }

  it('a later hook that returns a redirect: the cookie goes with the page', async () => {
    const { status, headers, cookies } = await visit((visitor) => visitor.get('/hook/returns'))
    expect([status, headers.get('Location')]).toEqual([303, '/landed'])
    expect(cookies).toContain('flash=returned; Path=/')
    const late = await visit((visitor) => visitor.get('/hook/returns-late'))
    expect(late.status).toBe(303)
  })

  it('a later hook that returns a redirect: the cookie goes with a data request', async () => {
    const { status, headers, text, cookies } = await visit((visitor) =>
      visitor.data('/hook/returns'),
    )
    expect(JSON.parse(text)).toMatchObject(redirect)
    expect([status, headers.get('Cache-Control')]).toEqual([200, 'private, no-store'])
    expect(headers.get('Content-Type')).toMatch(/^application\/json/)
    expect(cookies).toContain('flash=returned; Path=/')
    const late = await visit((visitor) => visitor.data('/hook/returns-late'))
    expect(JSON.parse(late.text)).toMatchObject(redirect)
  })

  it('a later hook that throws a redirect: the cookie goes with the page, next to its own', async () => {
    const { status, headers, cookies } = await visit((visitor) => visitor.get('/hook/throws'))
    expect([status, headers.get('Location')]).toEqual([303, '/landed'])
    expect(cookies.some((line) => line.startsWith('flash=thrown'))).toBe(true)
    expect(cookies.find((line) => line.startsWith('sid='))).toMatch(
      /; Path=\/; HttpOnly; SameSite=Lax$/,
    )
    expect((await visit((visitor) => visitor.get('/hook/throws-late'))).status).toBe(303)
  })

  it('a later hook that throws a redirect: the cookie goes with a data request', async () => {
    for (const path of ['/hook/throws', '/hook/throws-late']) {
      const { text } = await visit((visitor) => visitor.data(path))
      expect(JSON.parse(text)).toMatchObject(redirect)
    }
  })

  it('a later hook that throws a redirect: the cookie goes with an enhanced form', async () => {
    for (const path of ['/hook/throws', '/hook/throws-late']) {
      const { text } = await visit((visitor) => visitor.enhance(path))
      expect(JSON.parse(text)).toMatchObject(redirect)
    }
  })

  it('a later hook that throws an error: nothing is saved, no cookie set', async () => {
    for (const [path, expected] of [
      ['/hook/fails', 500],
      ['/hook/refuses', 403],
    ] as const) {
      const stranger = await traps.visitor().get(path)
      expect([stranger.status, stranger.cookies]).toEqual([expected, []])
      const guest = await traps.guest()
      expect((await guest.get(path)).status).toBe(expected)
      expect((await guest.session()).data).toEqual({ n_coat: 1 })
    }
  })

  it('a later hook that throws an error: a destroy asked for before is carried out', async () => {
    const guest = await traps.guest()
    expect((await guest.get('/hook/destroys-and-fails')).status).toBe(500)
    expect((await guest.session()).state).toBe('new')
  })

  it('a value that cannot be stored is an error, and nothing is saved', async () => {
    const guest = await traps.guest()
    const { status, text } = await guest.get('/hook/too-large')
    expect(status).toBe(500)
    expect(text).toMatch(/big/)
    expect((await guest.session()).data).toEqual({ n_coat: 1 })
  })
}

/** What loads and endpoints throw: SvelteKit turns it into a response, so the session is saved. */
function describeThrown(traps: Traps): void {
  it('a layout’s load saves, and sets the cookie, also on a data request and on a page not found', async () => {
    for (const path of ['/never', '/never/__data.json', '/nothing']) {
      const visitor = traps.visitor()
      const { status, cookies } = await visitor.get(path, { 'X-Layout': 'writes' })
      expect([path, status, cookies.length]).toEqual([path, path === '/nothing' ? 404 : 200, 1])
      expect((await visitor.session()).data).toEqual({ n_layout: 1 })
    }
  })

  it('a redirect from a load saves, and sets the cookie', async () => {
    const visitor = traps.visitor()
    const { status, headers, cookies } = await visitor.get('/load/redirects')
    expect([status, headers.get('Location'), cookies.length]).toEqual([307, '/landed', 1])
    expect((await visitor.session()).data).toEqual({ n_load: 1 })
  })

  it('a redirect from a load saves, and sets the cookie, on a data request', async () => {
    const visitor = traps.visitor()
    const { text, cookies } = await visitor.data('/load/redirects')
    expect(JSON.parse(text)).toMatchObject(redirect)
    expect(cookies).toHaveLength(1)
    expect((await visitor.session()).data).toEqual({ n_load: 1 })
  })

  it('error() and errors in a load are answers, on pages and data requests', async () => {
    const guest = await traps.guest()
    expect((await guest.get('/load/errors')).status).toBe(403)
    expect((await guest.get('/load/throws')).status).toBe(500)
    expect((await guest.data('/load/errors')).text).toContain('refused by a load')
    expect((await guest.data('/load/throws')).text).toContain('planted in a load')
    expect((await guest.session()).data).toEqual({ n_coat: 1, n_load: 4 })
  })

  it('error() and errors in an endpoint are answers', async () => {
    const visitor = traps.visitor()
    const thrown = await visitor.get('/api/throws')
    expect([thrown.status, thrown.cookies.length]).toEqual([500, 1])
    expect((await visitor.get('/api/error')).status).toBe(418)
    expect((await visitor.session()).data).toEqual({ n_endpoint: 2 })
  })

  it('discard(event) in handleError drops the changes made before an unexpected error', async () => {
    const guest = await traps.guest()
    const { status, outcome } = await guest.get('/load/drops')
    expect([status, outcome]).toEqual([500, 'discarded'])
    expect((await guest.session()).data).toEqual({ n_coat: 1 })
    const stranger = await traps.visitor().get('/load/drops')
    expect([stranger.status, stranger.cookies]).toEqual([500, []])
  })
}

function describeActions(traps: Traps): void {
  it('a form saves whether it returns, fails, redirects, refuses or throws', async () => {
    const visitor = traps.visitor()
    const statuses = []
    for (const name of ['returns', 'fails', 'redirects', 'errors', 'throws']) {
      statuses.push((await visitor.post(`/action?/${name}`)).status)
    }
    expect(statuses).toEqual([200, 422, 303, 403, 500])
    expect((await visitor.session()).data).toEqual({ n_action: 5 })
  })

  it('an enhanced form saves whether it returns, fails, redirects, refuses or throws', async () => {
    const visitor = traps.visitor()
    const types = []
    for (const name of ['returns', 'fails', 'redirects', 'errors', 'throws']) {
      types.push(
        (JSON.parse((await visitor.enhance(`/action?/${name}`)).text) as { type: string }).type,
      )
    }
    expect(types).toEqual(['success', 'failure', 'redirect', 'error', 'error'])
    expect((await visitor.session()).data).toEqual({ n_action: 5 })
  })

  it('a form that loads its page again makes one trip to load and one to save', async () => {
    const guest = await traps.guest()
    expect(await traps.count(() => guest.post('/action?/returns'))).toBe(2)
  })

  it('signing in and out, by either kind of form, changes the cookie once', async () => {
    for (const send of ['post', 'enhance'] as const) {
      const guest = await traps.guest()
      const old = guest.copy()
      const login = await guest[send]('/action?/login')
      expect([login.outcome, login.cookies.length]).toEqual(['renewed', 1])
      expect((await guest.session()).data).toEqual({ n_coat: 1, user: 'ada' })
      expect((await old.session()).state).toBe('new')
      const logout = await guest[send]('/action?/logout')
      expect([logout.outcome, logout.cookies.length, guest.cookie()]).toEqual(['destroyed', 1, ''])
    }
  })
}

function describeOutage(traps: Traps): void {
  it('a sign-in or a sign-out that was not done is answered 503, to either kind of form', async () => {
    const guest = await traps.guest()
    const old = guest.cookie()
    await traps.memcached.stop()
    for (const name of ['login', 'logout']) {
      const page = await guest.post(`/action?/${name}`)
      expect([page.status, page.headers.get('Retry-After')]).toEqual([503, '5'])
      expect(page.text).toMatch(/^You could not be signed (in|out)/)
      const script = await guest.enhance(`/action?/${name}`)
      expect(script.status).toBe(503)
      expect(JSON.parse(script.text)).toMatchObject({
        type: 'error',
        error: { message: page.text },
      })
      expect([page.cookies, script.cookies]).toEqual([[], []])
    }
    expect(guest.cookie()).toBe(old)
    await traps.recover()
  })

  it('a plain change that was lost lets the response go, and says so in its outcome', async () => {
    const guest = await traps.guest()
    await traps.memcached.stop()
    const { status, outcome } = await guest.post('/action?/returns')
    expect([status, outcome]).toEqual([200, 'unavailable'])
    await traps.recover()
  })
}

/** What must hold at every position of the hook in the sequence. */
function describePosition(traps: Traps): void {
  it('saves from loads, actions, endpoints and sub-requests, in one session', async () => {
    const visitor = traps.visitor()
    const first = await visitor.get('/fresh')
    expect(first.cookies).toHaveLength(1)
    expect((await visitor.get('/api/redirect')).status).toBe(303)
    expect((await visitor.get('/load/redirects')).status).toBe(307)
    expect(JSON.parse((await visitor.data('/load/redirects')).text)).toMatchObject(redirect)
    await visitor.enhance('/action?/returns')
    expect((await visitor.session()).data).toEqual({
      n_sub: 4,
      n_page: 1,
      n_endpoint: 1,
      n_load: 2,
      n_action: 1,
    })
  })

  it('1 command to read, 2 to change', async () => {
    const guest = await traps.guest()
    expect(await traps.count(() => guest.get('/reads'))).toBe(1)
    expect(await traps.count(() => guest.get('/reads?change'))).toBe(2)
  })
}

function describeTooEarly(traps: Traps): void {
  it('tells a hook before it what to add where', async () => {
    const { text } = await traps.visitor().get('/too-early')
    expect(text).toMatch(
      /^"getSession\(event\): add createHandle\(sessions\) to src\/hooks\.server\.ts/,
    )
  })
}
