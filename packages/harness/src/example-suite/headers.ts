import type { SetCookie } from '@coatcheck/testing'
import { parseSetCookie } from '@coatcheck/testing'
import { describe, expect, it } from 'vitest'
import type { App } from './app.ts'
import type { Answer } from './visitor.ts'

/** The headers of an application with `EXPLAIN=1` in development. */
export function describeHeaders(app: App): void {
  describe('the cookie in development', () => {
    it('works without https, and lasts as long as the browser', async () => {
      const answer = await app.visitor().login('ada')
      const { name, attributes } = onlyCookie(answer)
      expect(name).toBe('sid')
      expect(attributes.has('secure')).toBe(false)
      expectAttributes(attributes)
    })

    it('is not set again by requests that keep the token', async () => {
      const visitor = await app.guest()
      expect((await visitor.patch({ set: { b: 1 } })).setCookies).toEqual([])
      expect((await visitor.session()).setCookies).toEqual([])
      expect((await visitor.get('/')).setCookies).toEqual([])
    })
  })

  describe('/public', () => {
    it('can be stored by any cache, with and without a session', async () => {
      for (const visitor of [app.visitor(), await app.guest()]) {
        const answer = await visitor.get('/public')
        expect(answer.status).toBe(200)
        expect(answer.headers.get('Content-Type')).toMatch(/^text\/html/)
        expect(answer.headers.get('Cache-Control')).toBe('public, max-age=60')
        expect(answer.headers.get('Vary') ?? '').not.toMatch(/cookie/i)
        expect(answer.setCookies).toEqual([])
      }
    })
  })

  describe('pages and API answers of one visitor', () => {
    it('are not stored by any cache', async () => {
      const visitor = await app.guest()
      for (const answer of [await visitor.get('/'), await visitor.session()]) {
        expect(answer.headers.get('Cache-Control')).toMatch(/no-store/)
      }
    })
  })

  describe('EXPLAIN=1', () => {
    it('names the outcome of the commit', async () => {
      const visitor = app.visitor()
      expect((await visitor.session()).outcome).toBe('unchanged')
      expect((await visitor.patch({ set: { a: 1 } })).outcome).toBe('created')
      expect((await visitor.session()).outcome).toBe('unchanged')
      expect((await visitor.get('/')).outcome).toBe('unchanged')
      expect((await visitor.increment('visits')).outcome).toBe('saved')
      expect((await visitor.login('ada')).outcome).toBe('renewed')
      expect((await visitor.logout()).outcome).toBe('destroyed')
      expect((await visitor.logout()).outcome).toBe('unchanged')
    })

    it('names an outcome also if the request never read the session', async () => {
      const visitor = await app.guest()
      expect((await visitor.get('/public')).outcome).toBe('unchanged')
      expect((await visitor.send('PATCH', '/api/session', '[]')).outcome).toBe('unchanged')
    })
  })
}

/** The differences with `NODE_ENV=production`. */
export function describeProduction(app: App): void {
  describe('the cookie in production', () => {
    it('has the prefix that restricts it to https and this host, also behind plain http', async () => {
      const { name, attributes } = onlyCookie(await app.visitor().login('ada'))
      expect(name).toBe('__Host-Http-sid')
      expect(attributes.has('secure')).toBe(true)
      expectAttributes(attributes)
    })

    it('is read under that name only, and deleted with the same attributes', async () => {
      const visitor = await app.guest()
      expect((await visitor.session()).view.state).toBe('live')
      const [, token] = visitor.cookie.split('=')
      expect((await app.visitorWith(`sid=${token}`).session()).view.state).toBe('new')
      const { name, value, attributes } = onlyCookie(await visitor.logout())
      expect([name, value]).toEqual(['__Host-Http-sid', ''])
      expect(attributes.get('path')).toBe('/')
      expect(attributes.has('secure')).toBe(true)
      expect(attributes.has('domain')).toBe(false)
      expect(visitor.cookie).toBe('')
    })

    it('has no Server-Timing without EXPLAIN=1', async () => {
      const visitor = await app.guest()
      expect((await visitor.session()).outcome).toBeNull()
      expect((await visitor.get('/')).outcome).toBeNull()
    })
  })
}

function onlyCookie({ setCookies }: Answer): SetCookie {
  expect(setCookies).toHaveLength(1)
  return parseSetCookie(setCookies[0] ?? '')
}

function expectAttributes(attributes: ReadonlyMap<string, string>): void {
  expect(attributes.has('httponly')).toBe(true)
  expect(attributes.get('samesite')?.toLowerCase()).toBe('lax')
  expect(attributes.get('path')).toBe('/')
  for (const name of ['domain', 'max-age', 'expires']) expect(attributes.has(name)).toBe(false)
}
