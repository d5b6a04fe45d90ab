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

/** memcached is away, and comes back. */
export function describeOutage(app: StoredApp): void {
  describe('while memcached is away', () => {
    it('tells visitors so, and leaves their cookies alone', async () => {
      const visitor = await app.guest({ user: 'Ada' })
      const { cookie } = visitor
      await app.memcached.stop()
      const page = await visitor.get('/')
      expect(page.status).toBe(503)
      expect(page.text).toMatch(/unavailable/i)
      expect(textOf(page.text, 'who')).not.toBe('nobody')
      const read = await visitor.session()
      expect([read.status, read.view]).toEqual([200, nothing])
      const changes = [
        await visitor.patch({ set: { a: 1 } }),
        await visitor.increment('visits'),
        await visitor.login('ada'),
      ]
      for (const { status, view } of changes) expect([status, view]).toEqual([503, nothing])
      expect([page, read, ...changes].flatMap(({ setCookies }) => setCookies)).toEqual([])
      expect(visitor.cookie).toBe(cookie)
      await recover(app)
    })

    it('serves those who need no session, and signs nobody in', async () => {
      await app.memcached.stop()
      const stranger = app.visitor()
      expect((await stranger.get('/')).status).toBe(200)
      expect((await stranger.get('/public')).status).toBe(200)
      const login = await stranger.login('grace')
      expect([login.status, login.view]).toEqual([503, nothing])
      expect(login.setCookies).toEqual([])
      await recover(app)
    })

    it('begins anew for those whose records did not survive', async () => {
      const visitor = await app.guest()
      await app.memcached.stop()
      expect((await visitor.session()).view).toEqual(nothing)
      await recover(app)
      expect((await visitor.session()).view).toEqual({ state: 'new', data: {} })
      await visitor.login('ada')
      expect((await visitor.session()).view).toEqual({ state: 'live', data: { user: 'ada' } })
    })

    it('goes on for those whose records did', async () => {
      const visitor = await app.guest()
      app.memcached.pause()
      expect((await visitor.session()).view).toEqual(nothing)
      app.memcached.resume()
      await recovered(app)
      expect((await visitor.session()).view).toEqual({ state: 'live', data: { coat: 'wool' } })
    })

    it('says when a sign-out is not confirmed, and does not forget that it was asked for', async () => {
      const visitor = await app.guest()
      const old = visitor.copy()
      app.memcached.pause()
      const logout = await visitor.logout()
      expect([logout.status, logout.view]).toEqual([503, nothing])
      app.memcached.resume()
      await recovered(app)
      expect((await old.session()).view).toEqual({ state: 'new', data: {} })
    })
  })
}

const nothing = { state: 'unavailable', data: {} }

/** Starts memcached again, without its records. */
async function recover(app: StoredApp): Promise<void> {
  await app.memcached.restart()
  await recovered(app)
}

/** The example finds out by itself that memcached is back. */
async function recovered(app: StoredApp): Promise<void> {
  const signIn = async (): Promise<number> => (await app.visitor().login('grace')).status
  await expect.poll(signIn, { timeout: 20_000 }).toBe(200)
}
