import { describe, expect, it } from 'vitest'
import type { Places } from './places.ts'
import { cookieName } from './visitor.ts'

/** Server actions, from forms without JavaScript. */
export function describeActions(places: Places): void {
  describe('server actions without JavaScript', () => {
    it('sign in and end in redirect(): saved, with a new token', async () => {
      const visitor = await places.guest()
      const old = visitor.copy()
      const answer = await visitor.press('/forms', 'go')
      expect(answer.status).toBe(303)
      expect(answer.tickets).toHaveLength(1)
      expect(await places.dataOf(visitor)).toEqual({ n: 1, user: 'ada' })
      expect(await places.dataOf(old)).toEqual({})
    })

    it('show in the page that follows at once what they changed, in 2 commands', async () => {
      const visitor = await places.guest()
      const press = await visitor.fill('/forms', 'stay')
      const [commands, answer] = await places.count(press)
      expect(answer.found).toEqual({ state: 'live', data: { n: 2 } })
      expect(commands).toBe(2)
    })

    it('create a session, and show it in the page that follows at once', async () => {
      const visitor = places.visitor()
      const answer = await visitor.press('/forms', 'stay')
      expect(answer.found).toMatchObject({ data: { n: 1 } })
      expect(answer.tickets).toHaveLength(1)
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })

    it('end the session, and show no user in the page that follows at once', async () => {
      const visitor = await places.guest()
      const old = visitor.copy()
      const answer = await visitor.press('/forms', 'leave')
      expect(answer.found).toEqual({ state: 'new', data: {} })
      const [line = ''] = answer.tickets
      expect(line.toLowerCase().split('; ').toSorted()).toEqual(
        [
          `${cookieName.toLowerCase()}=`,
          'path=/',
          'httponly',
          'secure',
          'samesite=lax',
          'max-age=0',
        ].toSorted(),
      )
      expect(await places.dataOf(old)).toEqual({})
    })

    it('end in notFound(): saved, with the cookie', async () => {
      const visitor = places.visitor()
      const answer = await visitor.press('/forms', 'miss')
      expect(answer.status).toBe(404)
      expect(answer.tickets).toHaveLength(1)
      expect(await places.dataOf(visitor)).toEqual({ user: 'found' })
    })

    it('throw: nothing is saved', async () => {
      const visitor = await places.guest()
      expect((await visitor.press('/forms', 'fail')).status).toBe(500)
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })

    it('hear by commit() what became of the session, which then is closed', async () => {
      const visitor = await places.guest()
      await visitor.press('/forms', 'early')
      expect(visitor.cookies.get('outcome')).toBe('saved')
      expect(await places.noted('early')).toMatchObject({ again: { code: 'committed' } })
      expect(await places.dataOf(visitor)).toEqual({ n: 2 })
    })

    it('save late in after(), as part of the action before it has ended', async () => {
      const visitor = await places.guest()
      await visitor.press('/forms', 'linger')
      await expect.poll(() => places.noted('action')).toBeDefined()
      expect(await places.noted('action')).toMatchObject({
        inTime: null,
        outcome: 'saved',
        direct: { code: expect.stringMatching(/committed|read-only/) },
      })
      expect(await places.dataOf(visitor)).toEqual({ n: 2, late: 11 })
    })

    it('without handle() are refused a change, aloud', async () => {
      const visitor = await places.guest()
      await visitor.press('/forms', 'bare')
      expect(await places.noted('bare')).toMatchObject({ result: { code: 'read-only' } })
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })

    it('load the session again when the proxy has read it: 3 commands', async () => {
      const visitor = await places.guest()
      const press = await visitor.fill('/read/form', 'stay')
      const [commands, answer] = await places.count(press)
      expect(answer.found).toEqual({ state: 'live', data: { n: 2 } })
      expect(commands).toBe(3)
    })
  })
}
