import { describe, expect, it } from 'vitest'
import type { Places } from './places.ts'

/** What reads: server components, metadata, what is streamed, and what runs after the response. */
export function describeComponents(places: Places): void {
  describe('server components', () => {
    it('read once for the page, its children and its metadata', async () => {
      const visitor = await places.guest()
      const [commands, answer] = await places.count(() => visitor.get('/page'))
      expect(answer.found).toEqual({ state: 'live', data: { n: 1 } })
      expect(answer.text).toContain('<title>user: nobody</title>')
      expect(commands).toBe(1)
    })

    it('make no trip for a visitor without a cookie, nor for a page that never asks', async () => {
      const [stranger, page] = await places.count(() => places.visitor().get('/page'))
      expect(page.found).toEqual({ state: 'new', data: {} })
      expect(stranger).toBe(0)
      const visitor = await places.guest()
      const [commands] = await places.count(() => visitor.get('/public'))
      expect(commands).toBe(0)
    })

    it('are kept by no cache', async () => {
      const { headers } = await (await places.guest()).get('/page')
      expect(headers.get('Cache-Control')).toMatch(/\bno-store\b/)
    })

    it('can read only: a change throws, and says where to make it', async () => {
      const visitor = await places.guest()
      const results = (await visitor.get('/write')).found as { code: string; message: string }[]
      expect(results.map(({ code }) => code)).toEqual(['read-only', 'read-only', 'read-only'])
      for (const { message } of results) expect(message).toMatch(/server action.+proxy\.ts/)
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })

    it('can read only through handle() as well, which needs an action or a route', async () => {
      const visitor = await places.guest()
      const answer = await visitor.get('/call')
      expect(answer.found).toMatchObject({ code: 'read-only' })
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })

    it('answer 404 and 500 as without a session, which stays as it is', async () => {
      const visitor = await places.guest()
      expect((await visitor.get('/missing')).status).toBe(404)
      expect((await visitor.get('/boom')).status).toBe(500)
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })
  })

  describe('late saves', () => {
    it('from a stream are merged into the session', async () => {
      const visitor = await places.guest()
      const [commands, answer] = await places.count(() => visitor.get('/stream'))
      expect(answer.found).toEqual({ outcome: 'saved' })
      expect(commands).toBe(3)
      expect(await places.dataOf(visitor)).toEqual({ n: 1, late: 1 })
    })

    it('from after() of a page are saved; a direct change, and asking only then, are refused', async () => {
      const visitor = await places.guest()
      await visitor.get('/after')
      await expect.poll(() => places.noted('page')).toBeDefined()
      expect(await places.noted('page')).toMatchObject({ outcome: 'saved' })
      expect(await places.noted('page')).toMatchObject({
        direct: { code: 'read-only' },
        asked: { message: expect.stringContaining('call getSession() before') },
      })
      expect(await places.dataOf(visitor)).toEqual({ n: 1, late: 1 })
    })

    it('from waitUntil of the proxy are saved', async () => {
      const visitor = await places.guest()
      expect((await visitor.get('/waiting')).status).toBe(200)
      await expect.poll(() => places.dataOf(visitor)).toEqual({ n: 1, late: 1 })
    })

    it('from a session that ended bring nothing back', async () => {
      const visitor = await places.guest()
      const old = visitor.copy()
      await visitor.send('DELETE', '/routes/change')
      const { found } = await old.get('/stream')
      expect(found).not.toEqual({ outcome: 'saved' })
      expect(await places.dataOf(old)).toEqual({})
    })

    it('ask for the session in time, or are refused', async () => {
      const visitor = await places.guest()
      await visitor.post('/routes/late')
      await expect.poll(() => places.noted('late')).toMatchObject({ result: { code: 'read-only' } })
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })
  })
}
