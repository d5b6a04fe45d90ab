import { describe, expect, it } from 'vitest'
import type { App } from './app.ts'
import type { Answer, Visitor } from './visitor.ts'

/** The answers of the API. */
export function describeApi(app: App): void {
  describe('the API', () => {
    it('shows a new visitor an empty session and sets no cookie', async () => {
      const visitor = app.visitor()
      const answer = await visitor.session()
      expect(answer.status).toBe(200)
      expect(answer.headers.get('Content-Type')).toMatch(/^application\/json/)
      expect(answer.view).toEqual({ state: 'new', data: {} })
      expect(answer.setCookies).toEqual([])
    })

    it('sets keys, and shows them to this request and to later ones', async () => {
      const visitor = app.visitor()
      const set = { text: 'Mañana ✓', list: [1, { deep: null }], zero: 0, no: false }
      const answer = await visitor.patch({ set })
      expect(answer.status).toBe(200)
      expect(answer.view).toEqual({ state: 'new', data: set })
      expect(answer.setCookies).toHaveLength(1)
      expect((await visitor.session()).view).toEqual({ state: 'live', data: set })
    })

    it('deletes keys, whether they exist or not', async () => {
      const visitor = await app.guest({ a: 1, b: 2 })
      const answer = await visitor.patch({ set: { c: 3 }, delete: ['a', 'never'] })
      expect(answer.view).toEqual({ state: 'live', data: { b: 2, c: 3 } })
      expect((await visitor.session()).view.data).toEqual({ b: 2, c: 3 })
    })

    it('accepts a patch that changes nothing, and sets no cookie', async () => {
      const visitor = await app.guest({ a: 1 })
      for (const body of [{}, { set: { a: 1 } }, { delete: ['b'] }]) {
        const answer = await visitor.patch(body)
        expect(answer.status).toBe(200)
        expect(answer.view).toEqual({ state: 'live', data: { a: 1 } })
        expect(answer.setCookies).toEqual([])
        expect(answer.outcome).toBe('unchanged')
      }
    })

    it('accepts keys that every object inherits', async () => {
      const visitor = await app.guest({ constructor: 1, toString: 'x' })
      await visitor.increment('hasOwnProperty')
      const { data } = (await visitor.session()).view
      expect(data).toEqual({ constructor: 1, toString: 'x', hasOwnProperty: 1 })
    })

    it('counts from 0, and continues', async () => {
      const visitor = app.visitor()
      expect((await visitor.increment('visits')).view.data).toEqual({ visits: 1 })
      expect((await visitor.increment('visits')).view).toEqual({
        state: 'live',
        data: { visits: 2 },
      })
    })

    it('signs in with a new token, keeps the data, and the old token is dead', async () => {
      const visitor = await app.guest({ coat: 'wool' })
      const old = visitor.copy()
      const answer = await visitor.login('ada')
      expect(answer.status).toBe(200)
      expect(answer.view).toEqual({ state: 'live', data: { coat: 'wool', user: 'ada' } })
      expect(visitor.cookie).not.toBe(old.cookie)
      expect((await visitor.session()).view.data).toEqual({ coat: 'wool', user: 'ada' })
      const late = await old.session()
      expect(late.view).toEqual({ state: 'new', data: {} })
      expect(late.setCookies).toEqual([])
    })

    it('signs in a visitor without a session', async () => {
      const visitor = app.visitor()
      await visitor.login('ada')
      expect((await visitor.session()).view).toEqual({ state: 'live', data: { user: 'ada' } })
    })

    it('signs out: deletes the cookie, and the token is dead', async () => {
      const visitor = await app.guest()
      const old = visitor.copy()
      const answer = await visitor.logout()
      expect(answer.status).toBe(200)
      expect(answer.view).toEqual({ state: 'new', data: {} })
      expect(visitor.cookie).toBe('')
      expect((await old.session()).view).toEqual({ state: 'new', data: {} })
    })

    it('signs out a visitor without a session, and sets no cookie', async () => {
      const answer = await app.visitor().logout()
      expect(answer.status).toBe(200)
      expect(answer.view).toEqual({ state: 'new', data: {} })
      expect(answer.setCookies).toEqual([])
    })

    it('never adopts an unknown token', async () => {
      const { cookie } = await app.guest()
      const [name] = cookie.split('=')
      for (const value of [
        'A'.repeat(43),
        'short',
        '',
        '..%2f',
        `"${cookie.slice(cookie.indexOf('=') + 1)}"`,
      ]) {
        const visitor = app.visitorWith(`${name}=${value}`)
        expect((await visitor.session()).setCookies).toEqual([])
        expect((await visitor.patch({ set: { a: 1 } })).view.state).toBe('new')
        expect(visitor.cookie).toMatch(/=.{43}$/)
        expect(visitor.cookie).not.toBe(`${name}=${value}`)
      }
    })
  })

  describe('invalid requests to the API', () => {
    it('refuses a body that is not JSON, or not an object', async () => {
      for (const body of ['', '{', 'null', '1', '"a"', '[]', '[{"set":{}}]']) {
        await expectRefusal(app, (visitor) => visitor.send('PATCH', '/api/session', body))
        await expectRefusal(app, (visitor) => visitor.send('POST', '/api/login', body))
      }
    })

    it('refuses a patch of another shape', async () => {
      const bodies = [{ set: 1 }, { set: [] }, { set: null }, { delete: 'a' }, { delete: [1] }]
      for (const body of bodies) await expectRefusal(app, (visitor) => visitor.patch(body))
    })

    it('refuses a login without a name', async () => {
      for (const body of ['{}', '{"user":1}', '{"user":""}', '{"user":null}']) {
        await expectRefusal(app, (visitor) => visitor.send('POST', '/api/login', body))
      }
    })

    it('refuses a delay that is not an integer from 0 to 10000', async () => {
      for (const delay of ['10001', '-1', '1.5', '1e3', 'soon', '', '0x10', '99999999999']) {
        const query = `delay=${delay}`
        await expectRefusal(app, (visitor) => visitor.send('PATCH', `/api/session?${query}`, '{}'))
        await expectRefusal(app, (visitor) =>
          visitor.send('POST', `/api/increment?key=visits&${query}`),
        )
        await expectRefusal(app, (visitor) =>
          visitor.send('POST', `/api/login?${query}`, '{"user":"ada"}'),
        )
      }
    })

    it('refuses __proto__ as a key at any depth', async () => {
      const bodies = [
        '{"set":{"__proto__":{"admin":true}}}',
        '{"set":{"a":{"__proto__":{"admin":true}}}}',
        '{"set":{"b":1},"delete":["__proto__"]}',
      ]
      for (const body of bodies) {
        await expectRefusal(app, (visitor) => visitor.send('PATCH', '/api/session', body))
      }
      await expectRefusal(app, (visitor) => visitor.increment('__proto__'))
    })

    it('refuses an increment without a key, or of a value that is not a number', async () => {
      await expectRefusal(app, (visitor) => visitor.send('POST', '/api/increment'))
      await expectRefusal(app, (visitor) => visitor.increment('coat'))
    })

    it('refuses a body over 64 KiB, and accepts one of exactly 64 KiB', async () => {
      const fill = (bytes: number): string => '{"set":{"big":1}}'.padEnd(bytes)
      for (const bytes of [65_537, 200_000]) {
        await expectRefusal(app, (visitor) => visitor.send('PATCH', '/api/session', fill(bytes)))
      }
      const visitor = await app.guest()
      expect((await visitor.send('PATCH', '/api/session', fill(65_536))).status).toBe(200)
      expect((await visitor.session()).view.data).toEqual({ coat: 'wool', big: 1 })
    })

    it('refuses a change that makes the session too large, and names the key', async () => {
      const visitor = await app.guest({ first: 'x'.repeat(40_000) })
      const answer = await visitor.patch({ set: { second: 'y'.repeat(40_000) } })
      expect(answer.status).toBe(413)
      expect(errorOf(answer)).toMatch(/first|second/)
      expect(answer.setCookies).toEqual([])
      expect(Object.keys((await visitor.session()).view.data)).toEqual(['first'])
    })

    it('has no other paths and no other methods', async () => {
      const visitor = await app.guest()
      expect((await visitor.get('/api/nothing')).status).toBe(404)
      expect((await visitor.get('/nothing')).status).toBe(404)
      expect((await visitor.get('/api/logout')).status).toBe(405)
      expect((await visitor.send('PUT', '/api/session', '{}')).status).toBe(405)
      expect((await visitor.session()).view).toEqual({ state: 'live', data: { coat: 'wool' } })
    })
  })
}

/** Expects 400 with a reason, no cookie, and an unchanged session. */
async function expectRefusal(app: App, ask: (visitor: Visitor) => Promise<Answer>): Promise<void> {
  const visitor = await app.guest()
  const answer = await ask(visitor)
  expect(answer).toMatchObject({ status: 400 })
  expect(errorOf(answer)).toMatch(/\w/)
  expect(answer.setCookies).toEqual([])
  expect((await visitor.session()).view).toEqual({ state: 'live', data: { coat: 'wool' } })
}

function errorOf({ text }: Answer): unknown {
  return (JSON.parse(text) as { error?: unknown }).error
}
