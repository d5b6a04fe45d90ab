import { describe, expect, it } from 'vitest'
import type { App } from './app.ts'
import { overlap } from './app.ts'
import type { Answer, Visitor } from './visitor.ts'

/** Concurrent requests of one session. */
export function describeRaces(app: App): void {
  describe('many requests at once', () => {
    it('keeps 20 of 20 concurrent writes, each to a different key', async () => {
      await expectAllKept(app, 20)
    })

    it('keeps 50 of 50 concurrent writes, each to a different key', async () => {
      await expectAllKept(app, 50)
    })

    it('counts 50 of 50 concurrent increments, of visits and of a key with the prefix n_', async () => {
      const visitor = await app.guest()
      const answers = await atOnce(50, () => visitor.increment('visits', 150))
      expect(statusesOf(answers)).toEqual([200])
      await atOnce(50, () => visitor.increment('n_coats', 150))
      const { data } = (await visitor.session()).view
      expect(data).toEqual({ coat: 'wool', visits: 50, n_coats: 50 })
    })

    it('keeps the concurrent sets and deletions of two tabs', async () => {
      const one = await app.guest({ hat: 1, scarf: 1, gloves: 1 })
      const other = one.copy()
      await Promise.all([
        one.patch({ set: { umbrella: 1 }, delete: ['hat'] }, 150),
        other.patch({ set: { gloves: 2 }, delete: ['scarf'] }, 150),
      ])
      expect((await one.session()).view.data).toEqual({ umbrella: 1, gloves: 2 })
      expect((await other.session()).view.data).toEqual({ umbrella: 1, gloves: 2 })
    })

    it('merges a deletion and an increment in the same cart', async () => {
      const one = await app.guest({ cart: { hat: 1, scarf: 1 } })
      await Promise.all([
        one.patch({ set: { cart: { hat: 3, scarf: 1 } } }, 150),
        one.copy().patch({ set: { cart: { hat: 2 } } }, 150),
      ])
      expect((await one.session()).view.data).toEqual({ cart: { hat: 4 } })
    })
  })

  describe('during a slow write', () => {
    const write = (visitor: Visitor, delay: number): Promise<Answer> =>
      visitor.patch({ set: { slow: 1 } }, delay)

    it('a second write is kept, and the slow write does not see it', async () => {
      const quick = (visitor: Visitor): Promise<Answer> => visitor.patch({ set: { quick: 1 } })
      const { visitor, slow } = await overlap(app, write, quick)
      expect(slow.view).toEqual({ state: 'live', data: { coat: 'wool', slow: 1 } })
      expect(slow.outcome).toBe('saved')
      const { data } = (await visitor.session()).view
      expect(data).toEqual({ coat: 'wool', slow: 1, quick: 1 })
    })

    it('a logout wins: the write answers, sets no cookie, and does not revive the session', async () => {
      const { old, slow } = await overlap(app, write, (visitor) => visitor.logout())
      expect(slow.status).toBe(200)
      expect(slow.setCookies).toEqual([])
      expect(slow.outcome).toBe('gone')
      expect((await old.session()).view).toEqual({ state: 'new', data: {} })
    })

    it('a login wins: the write answers, sets no cookie, and the old token is dead', async () => {
      const login = (visitor: Visitor): Promise<Answer> => visitor.login('ada')
      const { old, visitor, slow } = await overlap(app, write, login)
      expect(slow.status).toBe(200)
      expect(slow.setCookies).toEqual([])
      expect(slow.outcome).toBe('moved')
      expect((await old.session()).view).toEqual({ state: 'new', data: {} })
      const { view } = await visitor.session()
      expect(view).toEqual({ state: 'live', data: { coat: 'wool', user: 'ada' } })
    })
  })

  describe('during a slow login', () => {
    const login = (visitor: Visitor, delay: number): Promise<Answer> => visitor.login('ada', delay)

    it('a write is kept under the new token', async () => {
      const quick = (visitor: Visitor): Promise<Answer> => visitor.patch({ set: { quick: 1 } })
      const { old, late, slow } = await overlap(app, login, quick)
      expect(slow.outcome).toBe('renewed')
      const { data } = (await late.session()).view
      expect(data).toEqual({ coat: 'wool', user: 'ada', quick: 1 })
      expect((await old.session()).view).toEqual({ state: 'new', data: {} })
    })

    it('a logout wins: the login answers, sets no cookie, and signs no one in', async () => {
      const { old, late, slow } = await overlap(app, login, (visitor) => visitor.logout())
      expect(slow.status).toBe(200)
      expect(slow.setCookies).toEqual([])
      expect(slow.outcome).toBe('gone')
      expect((await old.session()).view).toEqual({ state: 'new', data: {} })
      expect((await late.session()).view).toEqual({ state: 'new', data: {} })
    })
  })
}

async function expectAllKept(app: App, count: number): Promise<void> {
  const visitor = await app.guest()
  const answers = await atOnce(count, (n) => visitor.patch({ set: { [`own${n}`]: n } }, 150))
  expect(statusesOf(answers)).toEqual([200])
  const { data } = (await visitor.session()).view
  const own = Object.fromEntries(Array.from({ length: count }, (_, n) => [`own${n}`, n]))
  expect(data).toEqual({ coat: 'wool', ...own })
}

function atOnce(count: number, ask: (n: number) => Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => ask(n)))
}

function statusesOf(answers: readonly Answer[]): number[] {
  return [...new Set(answers.map(({ status }) => status))]
}
