import { describe, expect, it } from 'vitest'
import { buildIn } from './apps.ts'
import type { Places } from './places.ts'
import { cookieName } from './visitor.ts'

const handover = 'x-coatcheck-session'

interface Echo {
  readonly headers: Readonly<Record<string, string>>
  readonly data: object
}

/** What an attacker may try to see what is another visitor's. */
export function describeTricks(places: Places, folder: () => string): void {
  describe('a hand-over header from outside', () => {
    it('does not get through the proxy', async () => {
      const spoofed = { [handover]: crypto.randomUUID() }
      const { found } = await places.visitor().get('/routes/echo', spoofed)
      expect((found as Echo).headers).not.toHaveProperty(handover)
    })

    it('is replaced where the proxy has something to hand over', async () => {
      const visitor = await places.guest()
      const spoofed = { [handover]: 'mine' }
      const { headers, data } = (await visitor.get('/rewritten', spoofed)).found as Echo
      expect(headers[handover]).toMatch(/^[0-9a-f-]{36}$/)
      expect(data).toEqual({ n: 1 })
    })

    it('is worth nothing where the proxy was skipped', async () => {
      const spoofed = { [handover]: crypto.randomUUID() }
      const stranger = (await places.visitor().get('/skipped/echo', spoofed)).found as Echo
      expect(stranger.headers[handover]).toBe(spoofed[handover])
      expect(stranger.data).toEqual({})
      const visitor = await places.guest()
      expect(((await visitor.get('/skipped/echo', spoofed)).found as Echo).data).toEqual({ n: 1 })
    })

    it('is worth nothing to another, even if it leaks, nor a second time', async () => {
      const visitor = await places.guest()
      const { headers } = (await visitor.get('/rewritten')).found as Echo
      const leaked = { [handover]: headers[handover] ?? '' }
      for (const path of ['/routes/echo', '/skipped/echo']) {
        expect(((await places.visitor().get(path, leaked)).found as Echo).data).toEqual({})
      }
      const [commands] = await places.count(() => visitor.get('/skipped/echo', leaked))
      expect(commands).toBe(1)
    })
  })

  describe('the known ways around the proxy', () => {
    it('CVE-2025-29927, CVE-2026-44575: reach no private data', async () => {
      const visitor = places.visitor()
      await visitor.get('/away')
      expect((await visitor.get('/private')).text).toContain('the secret of ada')

      const build = buildIn(folder())
      const paths = [
        '/private',
        '/private.rsc',
        '/private?_rsc=1',
        '/private.segments/_tree.segment.rsc',
        `/_next/data/${build}/private.json`,
        '/_next/../private',
        '/%70rivate',
        '/private/',
      ]
      const subrequest = ['middleware', 'proxy', 'src/middleware', 'src/proxy']
      const tricks: Record<string, string>[] = [
        {},
        { RSC: '1' },
        { RSC: '1', 'Next-Router-Prefetch': '1' },
        { RSC: '1', 'Next-Router-Prefetch': '1', 'Next-Router-Segment-Prefetch': '/_tree' },
        { Purpose: 'prefetch' },
        { 'X-Middleware-Prefetch': '1' },
        { 'X-Nextjs-Data': '1' },
        { 'X-Middleware-Rewrite': '/private' },
        { 'X-Middleware-Next': '1' },
        {
          'X-Middleware-Override-Headers': 'cookie',
          'X-Middleware-Request-Cookie': `${cookieName}=x`,
        },
        ...subrequest.map((name) => ({ 'X-Middleware-Subrequest': Array(5).fill(name).join(':') })),
      ]
      for (const path of paths) {
        for (const headers of tricks) {
          const answer = await places.visitor().get(path, headers)
          expect(answer.text).not.toContain('the secret of')
          expect(answer.tickets).toEqual([])
        }
      }
    })
  })
}
