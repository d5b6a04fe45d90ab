import { describe, expect, it } from 'vitest'
import type { StoredApp } from './app.ts'

/** The number of commands that requests cost. */
export function describeCommands(app: StoredApp): void {
  describe('commands that the server carries out', () => {
    it('none for a visitor without a cookie', async () => {
      const visitor = app.visitor()
      expect(await app.count(() => visitor.get('/'))).toBe(0)
      expect(await app.count(() => visitor.session())).toBe(0)
      expect(await app.count(() => visitor.logout())).toBe(0)
    })

    it('none for a page that never reads the session, whatever cookie is sent', async () => {
      const visitor = await app.guest()
      expect(await app.count(() => visitor.get('/public'))).toBe(0)
    })

    it('none for a cookie that is not a valid token', async () => {
      const visitor = app.visitorWith('sid=not-a-token')
      expect(await app.count(() => visitor.session())).toBe(0)
    })

    it('1 to read, and 1 for a request that changes nothing', async () => {
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

    it('stores no readable token, and no record after the logout', async () => {
      await app.server.flush()
      const visitor = await app.guest()
      const token = visitor.cookie.slice(visitor.cookie.indexOf('=') + 1)
      const keys = await app.server.keys()
      expect(keys).toHaveLength(1)
      expect(keys[0]).not.toContain(token)
      await visitor.logout()
      expect(await app.server.keys()).toEqual([])
    })
  })
}
