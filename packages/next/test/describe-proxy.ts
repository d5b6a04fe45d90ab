import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Places } from './places.ts'
import { cookieName, createVisitor } from './visitor.ts'

const cookieForm = new RegExp(`^${cookieName}=[\\w-]{43}; Path=/; HttpOnly; Secure; SameSite=Lax$`)

/** The proxy, and what it hands to the code behind. */
export function describeProxy(places: Places): void {
  describe('a cookie that the proxy issues', () => {
    it('is visible in the same pass to server components, in one command', async () => {
      const [commands, answer] = await places.count(() => places.visitor().get('/seen/page'))
      expect(answer.found).toEqual({ state: 'new', data: { seen: 1 } })
      expect(answer.tickets).toEqual([expect.stringMatching(cookieForm)])
      expect(commands).toBe(1)
    })

    it('is visible in the same pass to route handlers', async () => {
      const [commands, answer] = await places.count(() => places.visitor().get('/seen/route'))
      expect(answer.found).toEqual({
        state: 'new',
        data: { seen: 1 },
        names: [cookieName],
        sent: expect.any(String),
      })
      expect(answer.tickets).toHaveLength(1)
      expect(commands).toBe(1)
    })

    it('is visible in the same pass to the Pages Router', async () => {
      const answer = await places.visitor().get('/seen/props')
      expect(answer.found).toEqual({ state: 'live', data: { seen: 1 } })
      expect(answer.tickets).toHaveLength(1)
    })

    it('takes the place of one that is unknown, and leaves those of others alone', async () => {
      const visitor = places.visitor()
      const Cookie = `a=1; ${cookieName}=${'A'.repeat(43)}; b=2`
      const answer = await visitor.get('/seen/route', { Cookie })
      expect(answer.found).toMatchObject({ names: ['a', 'b', cookieName] })
      expect(await places.dataOf(visitor)).toEqual({ seen: 1 })
    })

    it('leaves the Cookie header as it came otherwise: malformed, doubled, foreign', async () => {
      const others = 'a=%E0%A4%A; b=1; b=2; __proto__=3'
      const visitor = places.visitor()
      const { found } = await visitor.get('/seen/route', {
        Cookie: `${cookieName}=x; ${others}; ${cookieName}=y`,
      })
      expect(found).toMatchObject({
        sent: `${others}; ${cookieName}=${visitor.cookies.get(cookieName)}`,
      })
    })

    it('gives way to what the route handler or the action behind it does', async () => {
      const jar = new Map<string, string>()
      const visitor = createVisitor(places.url, jar)
      const ended = await visitor.send('DELETE', '/seen/change')
      expect(ended.tickets).toEqual([
        expect.stringMatching(cookieForm),
        expect.stringMatching(new RegExp(`^${cookieName}=; .*Max-Age=0`)),
      ])
      expect(jar.size).toBe(0)
      const press = await visitor.fill('/seen/form', 'go')
      jar.clear()
      const { tickets } = await press()
      expect(tickets).toEqual([
        expect.stringMatching(cookieForm),
        expect.stringContaining(cookieName),
      ])
      expect(await places.dataOf(visitor)).toEqual({ seen: 1, user: 'ada' })
    })

    it('goes out with private, no-store, also on a static page', async () => {
      for (const path of ['/seen/static', '/seen/page', '/seen/route', '/seen/props', '/away']) {
        const { headers, tickets } = await places.visitor().get(path)
        expect(tickets).toHaveLength(1)
        expect(headers.get('Cache-Control')).toBe('private, no-store')
      }
    })

    it('goes out with redirects, 404, thrown errors and answers to HEAD', async () => {
      const answers = [
        await places.visitor().get('/away'),
        await places.visitor().get('/seen/nowhere'),
        await places.visitor().get('/seen/missing'),
        await places.visitor().get('/seen/boom'),
        await places.visitor().send('HEAD', '/seen/page'),
      ]
      expect(answers.map(({ status }) => status)).toEqual([307, 404, 404, 500, 200])
      expect(answers.map(({ tickets }) => tickets.length)).toEqual([1, 1, 1, 1, 1])
    })

    it('is kept over a redirect from the proxy', async () => {
      const visitor = places.visitor()
      const { headers } = await visitor.get('/away')
      expect(headers.get('Location')).toBe('/page')
      expect(await places.dataOf(visitor)).toEqual({ user: 'ada' })
    })

    it('is not issued again while it is good', async () => {
      const visitor = await places.guest()
      const { tickets } = await visitor.get('/seen/page')
      expect(tickets).toEqual([])
    })
  })

  describe('what the proxy did with the session', () => {
    it('costs 1 command to read, for proxy, component and metadata together', async () => {
      const visitor = await places.guest()
      const [commands, answer] = await places.count(() => visitor.get('/read/page'))
      expect(answer.found).toEqual({ state: 'live', data: { n: 1 } })
      expect(commands).toBe(1)
    })

    it('costs 2 commands to change, for proxy, component and metadata together', async () => {
      const visitor = await places.guest()
      const [commands, answer] = await places.count(() => visitor.get('/seen/page'))
      expect(answer.found).toEqual({ state: 'live', data: { n: 1, seen: 1 } })
      expect(commands).toBe(2)
    })

    it('is not to be changed by a server component either', async () => {
      const visitor = await places.guest()
      await visitor.get('/seen/page')
      expect(await places.dataOf(visitor)).toEqual({ n: 1, seen: 1 })
    })

    it('an end: the page behind sees no user, and the cookie is deleted', async () => {
      const visitor = await places.guest()
      const old = visitor.copy()
      const answer = await visitor.get('/ended/page')
      expect(answer.found).toEqual({ state: 'new', data: {} })
      expect(answer.tickets).toEqual([
        `${cookieName}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0`,
      ])
      expect(await places.dataOf(old)).toEqual({})
    })

    it('a renewal: the page behind sees the data, the old token is dead', async () => {
      const visitor = await places.guest()
      const old = visitor.copy()
      const answer = await visitor.get('/renewed')
      expect(answer.found).toEqual({ state: 'live', data: { n: 1 } })
      expect(visitor.cookies.get(cookieName)).not.toBe(old.cookies.get(cookieName))
      expect(await places.dataOf(old)).toEqual({})
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })

    it('a throw: 500, and nothing is saved', async () => {
      const visitor = await places.guest()
      expect((await visitor.get('/broken')).status).toBe(500)
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })
  })

  describe('the body of a request', () => {
    const late = ['/routes/body', '/read/body', '/seen/body', '/held?to=/routes/body', around]
    it.each(late)(
      'is whole behind the proxy if it arrives after that has ended: %s',
      async (path) => {
        const response = await post(new URL(path, places.url), ['first, ', 'last'])
        expect(await response.text()).toBe('first, last')
      },
    )

    it('can be read by the code around the proxy', async () => {
      const { headers } = await post(new URL(around, places.url), ['first, ', 'last'])
      expect(headers.get('X-Around')).toBe('first, last')
    })

    it('is cut by Next.js where it is larger than that keeps for the proxy', async () => {
      const parts = ['x'.repeat(8e6), 'y'.repeat(4e6)]
      const response = await post(new URL('/read/body', places.url), parts)
      expect(response.status).toBe(200)
      expect((await response.text()).length).toBeGreaterThan(10e6)
    })

    it('is not waited for if its client has gone', async () => {
      const head = { method: 'POST', headers: { 'Content-Length': '100' } }
      const upload = request(new URL('/looked?to=/routes/body&left', places.url), head)
      upload.on('error', () => {}).write('half')
      await sleep(300)
      upload.destroy()
      await expect.poll(() => places.noted('left'), { timeout: 10_000 }).toBeDefined()
    })
  })

  describe('what the app’s own part of the proxy returns', () => {
    it('is passed on: a rewrite, its headers, its cookies, and the request’s headers', async () => {
      const visitor = await places.guest()
      const [commands, answer] = await places.count(() =>
        visitor.get('/rewritten', { 'X-Drop': '1' }),
      )
      const { headers, data } = answer.found as { headers: Record<string, string>; data: object }
      expect(headers).toMatchObject({ 'x-app': 'own' })
      expect(headers).not.toHaveProperty('x-drop')
      expect(data).toEqual({ n: 1 })
      expect(answer.headers.get('X-Own')).toBe('yes')
      expect(visitor.cookies.get('theme')).toBe('dark')
      expect(commands).toBe(1)
    })

    it('is passed on: a response of its own, private because the session was looked at', async () => {
      const answer = await (await places.guest()).get('/refused')
      expect([answer.status, answer.found]).toEqual([403, { user: null }])
      expect(answer.headers.get('Cache-Control')).toBe('private')
      expect(answer.headers.get('Vary')).toMatch(/Cookie/)
    })

    it('makes no trip and sets nothing where it never asks', async () => {
      const visitor = await places.guest()
      const [commands, { headers }] = await places.count(() => visitor.post('/routes/lazy'))
      expect(commands).toBe(0)
      expect(headers.get('Vary')).not.toMatch(/Cookie/)
      expect(headers.has('Cache-Control')).toBe(false)
    })
  })
}

const around = '/looked?to=/routes/body&around'

/** Sends the parts of a body, and pauses between them. */
async function post(url: URL, parts: readonly string[]): Promise<Response> {
  const body = new ReadableStream({
    async start(controller) {
      for (const [at, part] of parts.entries()) {
        if (at > 0) await sleep(300)
        controller.enqueue(part)
      }
      controller.close()
    },
  }).pipeThrough(new TextEncoderStream())
  const init = { method: 'POST', body, duplex: 'half' }
  return fetch(url, init)
}
