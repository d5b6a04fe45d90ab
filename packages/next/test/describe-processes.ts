import { describe, expect, it } from 'vitest'
import type { App } from './apps.ts'
import { saidAtStart } from './apps.ts'
import type { Places } from './places.ts'
import type { Visitor } from './visitor.ts'
import { createVisitor } from './visitor.ts'

/** What holds for a process as a whole, and between several. */
export function describeProcesses(places: Places, app: App): void {
  describe('F9: options that are wrong', () => {
    it('are in the log when the server starts, before any request', async () => {
      const wrong = /every request .* will fail: .*secrets\[0\] must be/
      expect(await saidAtStart(app, { SESSION_SECRETS: '' }, wrong)).toMatch(wrong)
    })
  })

  describe('a process', () => {
    it('has one connection to memcached for proxy, App Router and Pages Router together', async () => {
      const connections = async () => Number((await places.memcached.stats())['curr_connections'])
      await places.visitor().post('/routes/change')
      const before = await connections()
      const visitor = createVisitor(await places.another())
      expect(await connections()).toBe(before)
      await visitor.get('/seen/page')
      for (const path of ['/read/page', '/seen/props', '/page']) await visitor.get(path)
      for (const path of ['/routes/change', '/api/node']) await visitor.post(path)
      await expect.poll(connections).toBe(before + 1)
    })

    it('knows the sessions of another, and has no use for its hand-over', async () => {
      const visitor = await places.guest()
      const { headers } = (await visitor.get('/rewritten')).found as {
        headers: Record<string, string>
      }
      const there = createVisitor(await places.another(), new Map(visitor.cookies))
      const { found } = await there.get('/skipped/echo', {
        'x-coatcheck-session': headers['x-coatcheck-session'] ?? '',
      })
      expect(found).toMatchObject({ data: { n: 1 } })
    })
  })

  describe('a token that is due to be rotated', () => {
    it('is left alone by pages, and rotated by route handlers, actions and the proxy', async () => {
      const url = await places.another({ ROTATE: '60', AHEAD: '61000' })
      for (const [path, change] of [
        ['/page', (visitor: Visitor) => visitor.post('/routes/change')],
        ['/forms', (visitor: Visitor) => visitor.press('/forms', 'stay')],
        ['/props?do=nothing', (visitor: Visitor) => visitor.get('/props')],
        ['/page', (visitor: Visitor) => visitor.get('/read/page')],
      ] as const) {
        const visitor = createVisitor(url, new Map((await places.guest()).cookies))
        expect((await visitor.get(path)).tickets).toEqual([])
        const { status, tickets } = await change(visitor)
        expect([status, tickets.length]).toEqual([200, 1])
        expect((await visitor.get('/page')).found).toMatchObject({
          state: 'live',
          data: { n: expect.any(Number) },
        })
      }
    })
  })
}
