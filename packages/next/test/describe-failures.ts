import { describe, expect, it } from 'vitest'
import type { Places } from './places.ts'
import type { Visitor } from './visitor.ts'
import { cookieName, createVisitor } from './visitor.ts'

const token = 'A'.repeat(43)

/** A sign-in, a sign-out or a change that was not done, because memcached cannot be reached. */
export function describeFailures(places: Places): void {
  describe('a process that cannot reach memcached', () => {
    const away = (): Promise<string> => places.another({ MEMCACHE_SERVERS: '127.0.0.1:1' })

    it('answers 503 instead of a redirect that says done, in every place', async () => {
      const url = await away()
      const signedIn = (): Visitor => createVisitor(url, new Map([[cookieName, token]]))
      const answers = [
        await createVisitor(url).get('/routes/enter'),
        await signedIn().get('/routes/enter'),
        await signedIn().send('DELETE', '/routes/enter'),
        await createVisitor(url).get('/props?do=enter'),
        await signedIn().get('/props?do=leave'),
        await createVisitor(url).post('/api/node?do=enter'),
        await signedIn().post('/api/node?do=leave'),
        await createVisitor(url).get('/entered'),
        await signedIn().get('/ended/page'),
      ]
      for (const { status, text, headers, tickets } of answers) {
        expect([status, headers.get('Retry-After'), tickets]).toEqual([503, '5', []])
        expect(text).toMatch(/^You could not be signed (in|out)\. Please try again/)
        expect(headers.has('Location')).toBe(false)
      }
    })

    it('lets the response to a lost change go', async () => {
      const visitor = createVisitor(await away())
      for (const path of ['/routes/change', '/api/node']) {
        expect((await visitor.post(path)).status).toBe(200)
      }
      expect((await visitor.get('/props?do=add')).status).toBe(200)
      expect((await visitor.press('/forms', 'stay')).status).toBe(200)
    })

    it('answers as onFailure says, or as a handler that called commit()', async () => {
      const visitor = createVisitor(await away())
      const failure = { asked: 'sign-in', outcome: 'unavailable' }
      const own = await visitor.send('PUT', '/routes/enter')
      expect([own.status, own.found]).toEqual([409, failure])
      const told = await visitor.post('/routes/enter')
      expect([told.status, told.found]).toEqual([503, failure])
    })

    it('lets an action throw instead of redirecting, unless it called commit()', async () => {
      const visitor = createVisitor(await away())
      const thrown = await visitor.press('/forms', 'enter')
      expect([thrown.status, thrown.headers.has('Location')]).toEqual([500, false])
      expect(thrown.tickets).toEqual([])
      const told = await visitor.press('/forms', 'told')
      expect(told.status).toBe(303)
      expect(told.headers.get('Location')).toBe('/public?sign-in=unavailable')
      const careless = await visitor.press('/forms', 'careless')
      expect([careless.status, careless.headers.get('Location')]).toEqual([303, '/page'])
    })
  })

  describe('a handler inside another', () => {
    it('joins it: a new visitor gets one session, with what both did', async () => {
      await places.memcached.flush()
      const visitor = places.visitor()
      const answer = await visitor.press('/forms', 'nested')
      expect([answer.status, answer.tickets.length]).toEqual([303, 1])
      expect((await visitor.get('/page')).found).toMatchObject({ data: { n: 1 } })
      expect(await visitor.get('/routes/subject').then(({ found }) => found)).toBe('ada')
    })
  })

  describe('one response object that the proxy returns for all requests', () => {
    it('A2: carries nothing from one visitor to another', async () => {
      const visitor = await places.guest()
      expect((await visitor.get('/shared')).status).toBe(404)
      const { found } = await places.visitor().get('/shared/echo')
      expect(found).toMatchObject({ data: {} })
      expect((found as { headers: object }).headers).not.toHaveProperty('cookie')
      expect((await visitor.get('/shared/echo')).found).toMatchObject({ data: { n: 1 } })
    })
  })
}
