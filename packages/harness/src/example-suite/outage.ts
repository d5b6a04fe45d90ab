import { describe, expect, it } from 'vitest'
import type { StoredApp } from './app.ts'
import { textOf } from './forms.ts'

/** The session server goes down and comes back. */
export function describeOutage(app: StoredApp): void {
  describe('while the server is down', () => {
    it('tells visitors so, and does not touch their cookies', async () => {
      const visitor = await app.guest({ user: 'Ada' })
      const { cookie } = visitor
      await app.server.stop()
      const page = await visitor.get('/')
      expect(page.status).toBe(503)
      expect(page.text).toMatch(/unavailable/i)
      expect(textOf(page.text, 'who')).not.toBe('not signed in')
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

    it('serves visitors who need no session, and does not sign anyone in', async () => {
      await app.server.stop()
      const stranger = app.visitor()
      expect((await stranger.get('/')).status).toBe(200)
      expect((await stranger.get('/public')).status).toBe(200)
      const login = await stranger.login('grace')
      expect([login.status, login.view]).toEqual([503, nothing])
      expect(login.setCookies).toEqual([])
      await recover(app)
    })

    it('starts a new session for a visitor whose record did not survive', async () => {
      const visitor = await app.guest()
      await app.server.stop()
      expect((await visitor.session()).view).toEqual(nothing)
      await recover(app)
      expect((await visitor.session()).view).toEqual({ state: 'new', data: {} })
      await visitor.login('ada')
      expect((await visitor.session()).view).toEqual({ state: 'live', data: { user: 'ada' } })
    })

    it('continues the session of a visitor whose record survived', async () => {
      const visitor = await app.guest()
      app.server.pause()
      expect((await visitor.session()).view).toEqual(nothing)
      app.server.resume()
      await recovered(app)
      expect((await visitor.session()).view).toEqual({ state: 'live', data: { coat: 'wool' } })
    })

    it('says that a sign-out is not confirmed, and carries it out later', async () => {
      const visitor = await app.guest()
      const old = visitor.copy()
      app.server.pause()
      const logout = await visitor.logout()
      expect([logout.status, logout.view]).toEqual([503, nothing])
      app.server.resume()
      await recovered(app)
      expect((await old.session()).view).toEqual({ state: 'new', data: {} })
    })
  })
}

const nothing = { state: 'unavailable', data: {} }

/** Restarts the server without records. */
async function recover(app: StoredApp): Promise<void> {
  await app.server.restart()
  await recovered(app)
}

/** Waits until the example notices that the server is back. */
async function recovered(app: StoredApp): Promise<void> {
  const signIn = async (): Promise<number> => (await app.visitor().login('grace')).status
  await expect.poll(signIn, { timeout: 20_000 }).toBe(200)
}
