import { describe, expect, it } from 'vitest'
import type { StoredApp } from './example-suite-app.ts'
import { textOf } from './example-suite-form.ts'

/** How often memcached is asked. */
export function describeTrips(app: StoredApp): void {
  describe('commands that memcached carries out', () => {
    it('none for a visitor without a cookie', async () => {
      const visitor = app.visitor()
      expect(await app.count(() => visitor.get('/'))).toBe(0)
      expect(await app.count(() => visitor.session())).toBe(0)
      expect(await app.count(() => visitor.logout())).toBe(0)
    })

    it('none for a page that never asks for the session, whatever cookie is sent', async () => {
      const visitor = await app.guest()
      expect(await app.count(() => visitor.get('/public'))).toBe(0)
    })

    it('none for a cookie that is no token', async () => {
      const visitor = app.visitorWith('sid=not-a-token')
      expect(await app.count(() => visitor.session())).toBe(0)
    })

    it('1 to read, and 1 to find out that nothing is to be changed', async () => {
      const visitor = await app.guest()
      expect(await app.count(() => visitor.get('/'))).toBe(1)
      expect(await app.count(() => visitor.session())).toBe(1)
      expect(await app.count(() => visitor.patch({ set: { coat: 'wool' } }))).toBe(1)
    })

    it('1 to create, 2 to change, 3 to sign in, 2 to sign out', async () => {
      const visitor = app.visitor()
      expect(await app.count(() => visitor.increment('visits'))).toBe(1)
      expect(await app.count(() => visitor.increment('visits'))).toBe(2)
      expect(await app.count(() => visitor.login('ada'))).toBe(3)
      expect(await app.count(() => visitor.logout())).toBe(2)
    })

    it('keeps nothing readable of a token, and nothing at all after the logout', async () => {
      await app.memcached.flush()
      const visitor = await app.guest()
      const token = visitor.cookie.slice(visitor.cookie.indexOf('=') + 1)
      const keys = await app.memcached.keys()
      expect(keys).toHaveLength(1)
      expect(keys[0]).not.toContain(token)
      await visitor.logout()
      expect(await app.memcached.keys()).toEqual([])
    })
  })
}

/** memcached stops, and comes back without its records. */
export function describeOutage(app: StoredApp): void {
  describe('while memcached is away', () => {
    it('tells visitors so, leaves their cookies alone, and recovers by itself', async () => {
      const visitor = await app.guest({ user: 'Ada' })
      const { cookie } = visitor
      await app.memcached.stop()

      const page = await visitor.get('/')
      expect(page.status).toBe(503)
      expect(page.text).toMatch(/unavailable/i)
      expect(textOf(page.text, 'who')).not.toBe('nobody')
      const view = { state: 'unavailable', data: {} }
      const read = await visitor.session()
      expect([read.status, read.view]).toEqual([200, view])
      const write = await visitor.patch({ set: { a: 1 } })
      expect([write.status, write.view]).toEqual([503, view])
      const increment = await visitor.increment('visits')
      expect([increment.status, increment.view]).toEqual([503, view])
      const login = await visitor.login('ada')
      expect([login.status, login.view]).toEqual([503, view])
      const logout = await visitor.logout()
      expect([logout.status, logout.view]).toEqual([503, view])
      const answers = [page, read, write, increment, login, logout]
      expect(answers.flatMap(({ setCookies }) => setCookies)).toEqual([])
      expect(visitor.cookie).toBe(cookie)

      const stranger = app.visitor()
      const welcome = await stranger.get('/')
      expect(welcome.status).toBe(200)
      const refused = await stranger.login('grace')
      expect([refused.status, refused.view]).toEqual([503, view])
      expect(refused.setCookies).toEqual([])
      expect((await stranger.get('/public')).status).toBe(200)

      await app.memcached.restart()
      await expect.poll(async () => (await visitor.session()).view.state).toBe('new')
      expect((await visitor.login('ada')).status).toBe(200)
      expect((await visitor.session()).view).toEqual({ state: 'live', data: { user: 'ada' } })
    })
  })
}
