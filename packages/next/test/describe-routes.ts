import { bindDevice } from '@coatcheck/harness/bind-device'
import { describe, expect, it } from 'vitest'
import type { Places } from './places.ts'
import { cookieName } from './visitor.ts'

const deletion = `${cookieName}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT`

/** Route handlers of the App Router. */
export function describeRoutes(places: Places): void {
  describe('route handlers', () => {
    it('answer a browser that binds its session, by the line of the documentation', async () => {
      expect(await bindDevice(places.url, '/routes/enter')).toEqual({
        statuses: [200, 200, 403, 400],
        cookies: [cookieName, '__Host-sid-bound'],
      })
    })

    it('create with 1 command, change with 2, and set the cookie once', async () => {
      const visitor = places.visitor()
      const [created, first] = await places.count(() => visitor.post('/routes/change'))
      expect(first.found).toEqual({ state: 'new', data: { n: 1 } })
      expect(first.tickets).toHaveLength(1)
      expect(first.headers.get('Cache-Control')).toBe('private, no-store')
      const [saved, second] = await places.count(() => visitor.post('/routes/change'))
      expect(second.found).toEqual({ state: 'live', data: { n: 2 } })
      expect(second.tickets).toEqual([])
      expect([created, saved]).toEqual([1, 2])
    })

    it('end the session with 2 commands, and delete the cookie', async () => {
      const visitor = await places.guest()
      const [commands, answer] = await places.count(() => visitor.send('DELETE', '/routes/change'))
      expect(answer.tickets).toEqual([deletion])
      expect(commands).toBe(2)
      expect(await places.dataOf(visitor)).toEqual({})
    })

    it('save when they end in redirect(), with all cookies and what caches must know', async () => {
      for (const [query, status] of [
        ['', 307],
        ['?permanent', 308],
      ] as const) {
        const visitor = places.visitor()
        const answer = await visitor.get(`/routes/redirect${query}`)
        expect(answer.status).toBe(status)
        expect(answer.headers.get('Location')).toBe('/page?a=1;2')
        expect(answer.headers.get('Cache-Control')).toBe('private, no-store')
        expect([...visitor.cookies.keys()].toSorted()).toEqual([cookieName, 'theme'])
        expect(await places.dataOf(visitor)).toEqual({ user: 'ada' })
      }
    })

    it('save when they end in notFound(), with the cookie', async () => {
      const visitor = places.visitor()
      const answer = await visitor.get('/routes/missing')
      expect(answer.status).toBe(404)
      expect(answer.tickets).toHaveLength(1)
      expect(await places.dataOf(visitor)).toEqual({ user: 'found' })
    })

    it('save nothing when they throw, but carry out an end that was asked for', async () => {
      const visitor = await places.guest()
      expect((await visitor.post('/routes/throw')).status).toBe(500)
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
      expect((await visitor.post('/routes/throw?destroy')).status).toBe(500)
      expect(await places.dataOf(visitor)).toEqual({})
    })

    it('keep the app’s own cookies, set in either way, and our attributes', async () => {
      const visitor = places.visitor()
      const { tickets, headers } = await visitor.post('/routes/own-cookies')
      expect([...visitor.cookies.keys()].toSorted()).toEqual([cookieName, 'a', 'b', 'theme'])
      expect(attributesOf(tickets)).toEqual(['httponly', 'path=/', 'samesite=lax', 'secure'])
      expect(headers.get('Cache-Control')).toBe('private, no-store')
      const ended = await visitor.post('/routes/own-cookies?destroy')
      expect(attributesOf(ended.tickets)).toEqual([
        'expires=thu, 01 jan 1970 00:00:00 gmt',
        ...attributesOf(tickets),
      ])
      expect([...visitor.cookies.keys()].toSorted()).toEqual(['a', 'b', 'theme'])
    })

    it('set the cookie on a response whose headers cannot be changed', async () => {
      const answer = await places.visitor().post('/routes/fetched')
      expect(answer.status).toBe(303)
      expect(answer.tickets).toHaveLength(1)
    })

    it('can read without handle(), and are told where a change would be saved', async () => {
      const visitor = await places.guest()
      const { found } = await visitor.post('/routes/unwrapped')
      expect(found).toMatchObject({ state: 'live', attempt: { code: 'read-only' } })
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })
  })

  describe('many at once', () => {
    it('lose no write: 20 of 20', async () => {
      const visitor = await places.guest()
      const all = Array.from({ length: 20 }, () => visitor.copy().post('/routes/change'))
      const statuses = (await Promise.all(all)).map(({ status }) => status)
      expect(new Set(statuses)).toEqual(new Set([200]))
      expect(await places.dataOf(visitor)).toEqual({ n: 21 })
    })

    it('prefetches and component requests of one session lose nothing, and mint no second', async () => {
      const visitor = await places.guest()
      const kinds = [
        {},
        { RSC: '1' },
        { RSC: '1', 'Next-Router-Prefetch': '1' },
        { Purpose: 'prefetch' },
      ]
      const all = Array.from({ length: 16 }, (_, n) =>
        visitor.copy().get('/seen/page', kinds[n % 4]),
      )
      const answers = await Promise.all(all)
      expect(answers.flatMap(({ tickets }) => tickets)).toEqual([])
      expect(await places.dataOf(visitor)).toEqual({ n: 1, seen: 16 })
    })
  })
}

function attributesOf([line = '']: readonly string[]): string[] {
  const [, ...attributes] = line.toLowerCase().split('; ')
  return attributes.toSorted()
}
