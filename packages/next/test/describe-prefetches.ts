import { describe, expect, it } from 'vitest'
import { buildIn } from './apps.ts'
import type { Places } from './places.ts'
import { createVisitor } from './visitor.ts'

/** Requests that say they are a prefetch. */
export function describePrefetches(places: Places, folder: () => string): void {
  describe('F6: a prefetch', () => {
    /** How often the idle end was moved, and how often a record was read without. */
    async function reads(): Promise<readonly [moved: number, left: number]> {
      const { cmd_touch, cmd_get } = await places.memcached.stats()
      return [Number(cmd_touch), Number(cmd_get)]
    }

    it.each([
      ['a page', () => '/page'],
      ['a proxy, with a page behind it', () => '/read/page'],
      ['a route handler', () => '/skipped/echo'],
      ['getServerSideProps', () => '/props'],
      ['the data of getServerSideProps', () => `/_next/data/${buildIn(folder())}/props.json`],
    ])('reads without moving the idle end: %s', async (_where, path) => {
      const visitor = await places.guest()
      for (const [headers, moved] of [
        [{}, 1],
        [{ Purpose: 'prefetch' }, 0],
        [{ 'Sec-Purpose': 'prefetch' }, 0],
        [{ 'Sec-Purpose': 'prefetch;prerender' }, 0],
        [{ Purpose: 'preview' }, 1],
      ] as const) {
        const before = await reads()
        expect((await visitor.get(path(), headers)).status).toBe(200)
        const after = await reads()
        expect([after[0] - before[0], after[1] - before[1]]).toEqual([moved, 1 - moved])
      }
    })

    it('saves what it changes, and gets no new token, which the visit then gets', async () => {
      const url = await places.another({ ROTATE: '60', AHEAD: '61000' })
      const prefetch = { 'Sec-Purpose': 'prefetch' }
      for (const [path, data] of [
        ['/seen/page', { n: 1, seen: 2 }],
        ['/props?do=add', { n: 3 }],
      ] as const) {
        const guest = createVisitor(url, new Map((await places.guest()).cookies))
        const [early, visit] = [await guest.get(path, prefetch), await guest.get(path)]
        expect([early.status, early.tickets]).toEqual([200, []])
        expect([visit.status, visit.tickets.length]).toEqual([200, 1])
        expect((await guest.get('/page')).found).toMatchObject({ data })
      }
    })
  })
}
