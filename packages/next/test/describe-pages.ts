import { describe, expect, it } from 'vitest'
import { buildIn } from './apps.ts'
import type { Places } from './places.ts'

/** The Pages Router. */
export function describePages(places: Places, folder: () => string): void {
  describe('getServerSideProps', () => {
    it('reads with 1 command, changes with 2, and makes none when it never asks', async () => {
      const visitor = await places.guest()
      const [none] = await places.count(() => visitor.get('/props?do=nothing'))
      const [one, read] = await places.count(() => visitor.get('/props'))
      const [two, changed] = await places.count(() => visitor.get('/props?do=add'))
      expect(read.found).toEqual({ state: 'live', data: { n: 1 } })
      expect(changed.found).toEqual({ state: 'live', data: { n: 2 } })
      expect([none, one, two]).toEqual([0, 1, 2])
    })

    it('creates and ends a session, with the cookie', async () => {
      const visitor = places.visitor()
      const created = await visitor.get('/props?do=add')
      expect(created.tickets).toHaveLength(1)
      expect(created.headers.get('Cache-Control')).toBe('private, no-store')
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
      const ended = await visitor.get('/props?do=leave')
      expect(ended.tickets).toEqual([expect.stringContaining('Max-Age=0')])
      expect(visitor.cookies.size).toBe(0)
    })

    it('saves when it answers with a redirect or notFound', async () => {
      const visitor = places.visitor()
      const redirect = await visitor.get('/props?do=go')
      expect([redirect.status, redirect.tickets.length]).toEqual([307, 1])
      expect(await places.dataOf(visitor)).toEqual({ user: 'ada' })
      expect((await visitor.get('/props?do=miss')).status).toBe(404)
      expect(await places.dataOf(visitor)).toEqual({ user: 'found' })
    })

    it('saves nothing when it throws', async () => {
      const visitor = await places.guest()
      expect((await visitor.get('/props?do=fail')).status).toBe(500)
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })

    it('is served as data as well, to links and their prefetches, which change the session too', async () => {
      const visitor = places.visitor()
      const path = `/_next/data/${buildIn(folder())}/props.json?do=add`
      const first = await visitor.get(path, { 'X-Nextjs-Data': '1', Purpose: 'prefetch' })
      expect([first.status, first.tickets.length]).toEqual([200, 1])
      expect(first.headers.get('Cache-Control')).toBe('private, no-store')
      const [commands, second] = await places.count(() =>
        visitor.get(path, { 'X-Nextjs-Data': '1' }),
      )
      expect([second.status, second.tickets.length, commands]).toEqual([200, 0, 2])
      expect(await places.dataOf(visitor)).toEqual({ n: 2 })
    })

    it('is kept by no shared cache, whatever it says', async () => {
      const visitor = await places.guest()
      for (const path of ['/props', '/props?do=share']) {
        const { headers } = await visitor.get(path)
        expect(headers.get('Cache-Control')).toMatch(/^private/)
        expect(headers.get('Cache-Control')).not.toMatch(/s-maxage|public/)
        expect(headers.get('Vary')).toMatch(/Cookie/)
      }
    })

    it('is told to use handle() when it does not', async () => {
      const { found } = await places.visitor().get('/bare')
      expect(found).toMatchObject({ message: expect.stringContaining('wrap getServerSideProps') })
    })
  })

  describe('API routes', () => {
    it('set the cookie next to the app’s own, and keep the answer from caches', async () => {
      const visitor = places.visitor()
      const answer = await visitor.post('/api/node')
      expect(answer.found).toEqual({ state: 'new', data: { n: 1 } })
      expect([...visitor.cookies.keys()]).toEqual(['a', 'b', answer.tickets[0]?.split('=')[0]])
      expect(answer.headers.get('Cache-Control')).toBe('private, no-store')
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })

    it('save before a redirect, a pipe or a stream leaves', async () => {
      for (const [how, status, text] of [
        ['redirect', 303, '/page'],
        ['pipe', 200, 'one two three'],
        ['stream', 200, 'one two'],
      ] as const) {
        const visitor = places.visitor()
        const answer = await visitor.post(`/api/node?do=${how}`)
        expect([answer.status, answer.text]).toEqual([status, text])
        expect(answer.tickets).toHaveLength(1)
        expect(await places.dataOf(visitor)).toEqual({ n: 1 })
      }
    })

    it('change nothing any more once the answer is on its way: a change throws', async () => {
      const visitor = await places.guest()
      await visitor.post('/api/node?do=after')
      await expect.poll(() => places.noted('node')).toMatchObject({ result: { code: 'committed' } })
      expect(await places.dataOf(visitor)).toEqual({ n: 2 })
    })

    it('end the session', async () => {
      const visitor = await places.guest()
      const { tickets } = await visitor.post('/api/node?do=leave')
      expect(tickets).toEqual([expect.stringContaining('Max-Age=0')])
      expect(await places.dataOf(visitor)).toEqual({})
    })

    it('answer 500 and save nothing when they throw, or when the session cannot be kept', async () => {
      const visitor = await places.guest()
      expect((await visitor.post('/api/node?do=throw')).status).toBe(500)
      expect((await visitor.post('/api/node?do=unsupported')).status).toBe(500)
      expect(await places.dataOf(visitor)).toEqual({ n: 1 })
    })

    it('make no trip when they never ask', async () => {
      const visitor = await places.guest()
      const [commands] = await places.count(() => visitor.post('/api/node?do=nothing'))
      expect(commands).toBe(0)
    })
  })
}
