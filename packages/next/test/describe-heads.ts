import { describe, expect, it } from 'vitest'
import { apiSenders, senders } from '../fixtures/places/lib/senders.ts'
import type { Places } from './places.ts'
import type { Answer } from './visitor.ts'
import { cookieName } from './visitor.ts'

/** Whatever sends the headers, the app's own ones go out, and ours beside them. */
export function describeHeads(places: Places): void {
  describe('F1: headers that leave', () => {
    const all = [
      ...Object.keys(apiSenders).map((sender) => ['/api/head', sender] as const),
      ...[...Object.keys(senders), 'document'].map((sender) => ['/head', sender] as const),
    ]

    it.each(all)('%s by %s: a sign-in', async (path, sender) => {
      const visitor = await places.guest()
      const answer = await visitor.get(`${path}?do=enter&by=${sender}`)
      expectOwn(answer, sender)
      expect(answer.tickets).toHaveLength(1)
      expect(answer.headers.get('Cache-Control')).toBe('private, no-store')
      expect(answer.headers.get('Vary')).toMatch(/\bCookie\b/i)
      expect((await visitor.get('/routes/subject')).found).toBe('ada')
    })

    it.each(all)('%s by %s: a sign-out', async (path, sender) => {
      const visitor = await places.guest()
      const answer = await visitor.get(`${path}?do=leave&by=${sender}`)
      expectOwn(answer, sender)
      expect(answer.tickets).toEqual([expect.stringContaining('Max-Age=0')])
      expect(answer.headers.get('Cache-Control')).toBe('private, no-store')
      expect(visitor.cookies.has(cookieName)).toBe(false)
    })

    it.each(all)('%s by %s: a session that is only read', async (path, sender) => {
      const visitor = await places.guest()
      const answer = await visitor.get(`${path}?do=read&by=${sender}`)
      expectOwn(answer, sender)
      expect(answer.tickets).toEqual([])
      expect(answer.headers.get('Cache-Control')).toBe('private, max-age=600')
      expect(answer.headers.get('Vary')).toMatch(/\bCookie\b/i)
    })

    it.each(all)('%s by %s: no session, and nothing is added', async (path, sender) => {
      const answer = await (await places.guest()).get(`${path}?do=nothing&by=${sender}`)
      expect(answer.headers.get('Cache-Control')).toBe('public, max-age=600')
      expect(answer.headers.get('CDN-Cache-Control')).toBe('max-age=600')
      expect(answer.headers.get('Vary')).not.toMatch(/\bCookie\b/i)
    })
  })

  describe('F1: headers that leave, behind a proxy that asked for the session', () => {
    const all = [
      '/seen/head',
      ...['setHeader', 'appendHeader', 'flat', 'object'].map((sender) => `/api/head?by=${sender}`),
      ...['setHeader', 'flat', 'document'].map((sender) => `/head?by=${sender}`),
    ]

    function through(proxy: 'onward' | 'looked', path: string, intent: string): string {
      const to = `${path}${path.includes('?') ? '&' : '?'}do=${intent}`
      return path.startsWith('/seen') ? to : `/${proxy}?to=${encodeURIComponent(to)}`
    }

    it.each(all)('%s: the cookie of the proxy, and no cache keeps it', async (path) => {
      for (const intent of ['nothing', 'read', 'enter']) {
        const visitor = places.visitor()
        const answer = await visitor.get(through('onward', path, intent))
        expectOwn(answer, /\w*$/.exec(path)?.[0] ?? '')
        expect(answer.tickets).toHaveLength(intent === 'enter' ? 2 : 1)
        expect(answer.headers.get('Cache-Control')).toBe('private, no-store')
        expect(answer.headers.get('Vary')).toMatch(/\bCookie\b/i)
        expect(await places.dataOf(visitor)).toEqual({ seen: 1 })
      }
    })

    it.each(all.slice(1))('%s: private, if the proxy only read', async (path) => {
      const { headers } = await (await places.guest()).get(through('looked', path, 'nothing'))
      expect(headers.get('Cache-Control')).toMatch(/^private/)
      expect(headers.get('Cache-Control')).not.toMatch(/public/)
      expect(headers.get('Vary')).toMatch(/\bCookie\b/i)
      expect(headers.has('CDN-Cache-Control')).toBe(false)
    })
  })
}

function expectOwn({ status, headers, text }: Answer, sender: string): void {
  expect(headers.getSetCookie().filter((line) => /^(theme|lang)=/.test(line))).toEqual([
    'theme=dark',
    'lang=en',
  ])
  expect([headers.get('X-Own'), headers.has('CDN-Cache-Control')]).toEqual(['yes', false])
  expect(headers.get('Vary')).toMatch(/\bAccept\b(?!-)/)
  expect(status).toBeGreaterThanOrEqual(200)
  if (sender === 'redirect') expect([status, headers.get('Location')]).toEqual([303, '/page'])
  else if (sender === 'document') expect(text).toContain('The page')
  else expect(text.replaceAll('"', '')).toBe('sent')
}
