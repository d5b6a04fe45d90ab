import { createSessions } from '@coatcheck/core'
import type { Session, SessionEvent } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { describe, expect, it } from 'vitest'

interface Data {
  user?: string
}

function setUp(): {
  readonly events: SessionEvent[]
  readonly ask: (
    cookie: string,
    act: (session: Session<Partial<Data>>) => unknown,
    answer?: () => Response,
  ) => Promise<Response>
  readonly begin: () => Promise<string>
} {
  const events: SessionEvent[] = []
  const sessions = createSessions<Data>({
    store: memoryStore(),
    onEvent: (event) => events.push(event),
  })
  const ask: ReturnType<typeof setUp>['ask'] = (cookie, act, answer = () => new Response('page')) =>
    sessions.handle(
      new Request('https://app.example/', { headers: { Cookie: cookie } }),
      async (session) => {
        await act(session)
        return answer()
      },
    )
  return {
    events,
    ask,
    async begin() {
      const response = await ask('', ({ data }) => void (data.user = 'ann'))
      return response.headers.getSetCookie()[0]?.split(';')[0] as string
    },
  }
}

/** Ways to look at a session: Flask missed `in` and `len` (CVE-2026-27205). */
const looks: readonly [what: string, look: (session: Session<Partial<Data>>) => unknown][] = [
  ['reads a key', ({ data }) => data.user],
  ['reads a key that is not there', ({ data }) => (data as Record<string, unknown>)['other']],
  ['asks with in', ({ data }) => 'user' in data],
  ['asks with hasOwn', ({ data }) => Object.hasOwn(data, 'user')],
  ['counts the keys', ({ data }) => Object.keys(data).length],
  ['goes through them', ({ data }) => Object.entries(data)],
  ['spreads it', ({ data }) => ({ ...data })],
  ['turns its data into JSON', ({ data }) => JSON.stringify(data)],
  ['clones it', ({ data }) => structuredClone({ ...data })],
  ['asks for its state', ({ state }) => state],
  ['asks for its id', ({ id }) => id],
  ['asks whose it is', ({ subject }) => subject],
  ['asks when it began', ({ createdAt }) => createdAt],
  ['asks when it was signed in', ({ renewedAt }) => renewedAt],
  [
    'asks for freshness',
    (session) => expect(() => session.requireFresh(1)).toThrow('too long ago'),
  ],
  ['makes a form', (session) => session.csrfToken()],
  ['verifies a form', (session) => session.verifyCsrf('forged')],
]

describe('an answer that depends on the session', () => {
  it.each(looks)('S28, S61, S62, CVE-2026-27205: a handler that %s', async (_what, look) => {
    const { ask, begin } = setUp()
    const response = await ask(await begin(), look)
    expect(response.headers.get('Vary')).toBe('Cookie')
    expect(response.headers.get('Cache-Control')).toBe('private')
    expect(response.headers.getSetCookie()).toEqual([])
  })

  it('S61: one that has the session as JSON depends on it, and shows no account', async () => {
    const { ask, begin } = setUp()
    let text = ''
    const response = await ask(await begin(), (session) => void (text = JSON.stringify(session)))
    expect(JSON.parse(text)).toMatchObject({ state: 'live', signedIn: false })
    expect(response.headers.get('Vary')).toBe('Cookie')
    expect(response.headers.get('Cache-Control')).toBe('private')
  })

  it('S61: one that does not look leaves the headers of the answer alone', async () => {
    const { ask, begin } = setUp()
    const headers = { 'Cache-Control': 'public, max-age=600', Vary: 'Accept' }
    const response = await ask(
      await begin(),
      () => {},
      () => new Response('page', { headers }),
    )
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'public, max-age=600',
      vary: 'Accept',
    })
  })

  it('S61: a visitor without a session gets the headers too, because the page differs', async () => {
    const { ask } = setUp()
    const response = await ask('', ({ data }) => data.user)
    expect(response.headers.get('Vary')).toBe('Cookie')
    expect(response.headers.get('Cache-Control')).toBe('private')
  })

  it.each<[said: string | null, touched: string]>([
    [null, 'private'],
    ['public, max-age=600', 'private, max-age=600'],
    ['s-maxage=31536000, stale-while-revalidate=60', 'private'],
    ['max-age=0', 'private, max-age=0'],
    ['no-cache', 'private, no-cache'],
    ['no-store', 'no-store'],
    ['private', 'private'],
    ['private, max-age=60', 'private, max-age=60'],
    ['private, no-store', 'private, no-store'],
    ['public, no-store', 'no-store'],
    ['must-revalidate, max-age=5', 'private, must-revalidate, max-age=5'],
    ['PUBLIC , S-MaxAge=5', 'private'],
  ])('S62, S60: where the app says %s', async (said, touched) => {
    const { ask, begin } = setUp()
    const cookie = await begin()
    const headers = said === null ? {} : { 'Cache-Control': said }
    const answer = (): Response => new Response('page', { headers })
    const read = await ask(cookie, ({ data }) => data.user, answer)
    expect(read.headers.get('Cache-Control')).toBe(touched)
    for (const way of ['renew', 'destroy'] as const) {
      const set = await ask(await begin(), (session) => session[way](), answer)
      expect(set.headers.getSetCookie()).toHaveLength(1)
      expect(set.headers.get('Cache-Control')).toBe('private, no-store')
    }
  })

  it('S60: an override is one event, without details', async () => {
    const { ask, begin, events } = setUp()
    const cookie = await begin()
    events.length = 0
    const shared = (): Response =>
      new Response('page', { headers: { 'Cache-Control': 'public, max-age=600' } })
    await ask(cookie, ({ data }) => data.user, shared)
    expect(events).toEqual([{ type: 'cache.override' }])
  })

  it('S63: a 304 that sets our cookie is not stored either', async () => {
    const { ask, begin } = setUp()
    const notModified = (): Response =>
      new Response(null, {
        status: 304,
        headers: { ETag: '"1"', 'Cache-Control': 'public, max-age=600' },
      })
    const response = await ask(await begin(), (session) => session.renew(), notModified)
    expect(response.status).toBe(304)
    expect(response.headers.get('Cache-Control')).toBe('private, no-store')
  })

  it.each([
    'CDN-Cache-Control',
    'Cloudflare-CDN-Cache-Control',
    'Vercel-CDN-Cache-Control',
    'Netlify-CDN-Cache-Control',
    'Surrogate-Control',
    'X-Accel-Expires',
  ])(
    'S60, S62, CVE-2025-48947, CVE-2025-64762: %s, which caches obey before Cache-Control, is removed',
    async (header) => {
      const { ask, begin, events } = setUp()
      const cookie = await begin()
      events.length = 0
      const shared = (): Response => new Response('page', { headers: { [header]: 'max-age=600' } })
      const read = await ask(cookie, ({ data }) => data.user, shared)
      expect(read.headers.get(header)).toBeNull()
      expect(events).toEqual([{ type: 'cache.override' }])
      const set = await ask(cookie, (session) => session.renew(), shared)
      expect(set.headers.get(header)).toBeNull()
      const untouched = await ask(cookie, () => {}, shared)
      expect(untouched.headers.get(header)).toBe('max-age=600')
    },
  )

  it('CVE-2023-30861: a token that only rotates makes the answer private too', async () => {
    let clock = Date.now()
    const now = (): number => clock
    const sessions = createSessions<Data>({
      store: memoryStore({ now }),
      testing: { now },
      lifetime: { rotate: 60 },
    })
    const first = await sessions.handle(new Request('https://app.example/'), ({ data }) => {
      data.user = 'ann'
      return new Response()
    })
    const cookie = first.headers.getSetCookie()[0]?.split(';')[0] as string
    clock += 61_000
    const request = new Request('https://app.example/', { headers: { Cookie: cookie } })
    const response = await sessions.handle(
      request,
      () => new Response('page', { headers: { 'Cache-Control': 'public, max-age=600' } }),
    )
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(response.headers.get('Cache-Control')).toBe('private, no-store')
    expect(response.headers.get('Vary')).toBe('Cookie')
  })

  it('CVE-2024-26144: a page that two visitors ask for at once is made for each of them', async () => {
    const { ask } = setUp()
    const begin = async (user: string): Promise<string> => {
      const response = await ask('', ({ data }) => void (data.user = user))
      return response.headers.getSetCookie()[0]?.split(';')[0] as string
    }
    const shared = new Map<string, Response>()
    for (const user of ['ann', 'bob']) {
      let page = ''
      const response = await ask(
        await begin(user),
        ({ data }) => void (page = `hello ${data.user}`),
        () => new Response(page, { headers: { 'Cache-Control': 's-maxage=600' } }),
      )
      const mayShare = !/private|no-store/.test(response.headers.get('Cache-Control') ?? '')
      if (mayShare) shared.set('/', response)
      expect(await response.text()).toBe(`hello ${user}`)
    }
    expect(shared.size).toBe(0)
  })
})
