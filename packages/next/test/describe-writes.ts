import { describe, expect, it } from 'vitest'
import type { Places } from './places.ts'

/** What a place that can only read says to code that writes. */
export function describeWrites(places: Places): void {
  describe('F8: where the session can only be read', () => {
    const filled = { cart: ['scarf', 'glove'], box: { size: 1 } }

    it.each(['/writes', '/seen/writes', '/routes/writes'])(
      'every kind of write is refused, with advice, also to sloppy code: %s',
      async (path) => {
        const visitor = places.visitor()
        await visitor.post('/routes/writes')
        expectRefusals((await visitor.get(path)).found)
        expect(await places.dataOf(visitor)).toMatchObject(filled)
      },
    )

    it('so it is in an action without handle()', async () => {
      const visitor = places.visitor()
      await visitor.post('/routes/writes')
      await visitor.press('/forms', 'bareWrites')
      expectRefusals((await places.noted('writes'))?.['result'])
      expect(await places.dataOf(visitor)).toMatchObject(filled)
    })

    it('the data can be given to a Client Component', async () => {
      const visitor = places.visitor()
      await visitor.post('/routes/writes')
      const { found } = await visitor.get('/given')
      expect(found).toEqual({ where: 'server', cart: filled.cart, seenAt: [['/', 1]] })
    })

    function expectRefusals(found: unknown): void {
      const { told, ...data } = found as { told: Readonly<Record<string, unknown>> }
      expect(Object.keys(told)).toHaveLength(13)
      for (const [code, result] of Object.entries(told)) {
        const advice = expect.stringMatching(/server action.+handle\(\).+saveLate/)
        expect([code, result]).toEqual([code, { code: 'read-only', message: advice }])
      }
      expect(data).toEqual(filled)
    }
  })
}
