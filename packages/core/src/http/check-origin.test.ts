import { describe, expect, it } from 'vitest'
import { checkOrigin } from './check-origin.ts'

const ours = 'https://app.example'

function ask(
  headers: Record<string, string>,
  options: Parameters<typeof checkOrigin>[1] = {},
  init: { readonly method?: string; readonly url?: string } = {},
): boolean {
  const { method = 'POST', url = `${ours}/transfer` } = init
  return checkOrigin(new Request(url, { method, headers }), options)
}

/** Sec-Fetch-Site, Origin, and whether a POST with them passes. `-`: not sent. */
const table: readonly [site: string, origin: string, passes: boolean][] = [
  ['same-origin', ours, true],
  ['same-origin', '-', true],
  ['same-origin', 'null', true],
  ['same-origin', 'https://evil.example', true],
  ['none', '-', true],
  ['none', ours, true],
  ['same-site', ours, false],
  ['same-site', 'https://blog.app.example', false],
  ['same-site', 'http://app.example', false],
  ['same-site', '-', false],
  ['cross-site', ours, false],
  ['cross-site', 'https://evil.example', false],
  ['cross-site', 'null', false],
  ['cross-site', '-', false],
  ['SAME-ORIGIN', 'https://evil.example', false],
  ['', ours, false],
  ['-', ours, true],
  ['-', 'http://app.example', false],
  ['-', 'https://app.example:8443', false],
  ['-', 'https://app.example.evil.example', false],
  ['-', 'https://evil.example', false],
  ['-', 'null', false],
  ['-', '', false],
  ['-', '-', true],
]

describe('checkOrigin', () => {
  it.each(table)('S25: a POST with Sec-Fetch-Site %s and Origin %s: %s', (site, origin, passes) => {
    const headers: Record<string, string> = {}
    if (site !== '-') headers['Sec-Fetch-Site'] = site
    if (origin !== '-') headers['Origin'] = origin
    expect(ask(headers)).toBe(passes)
  })

  it('S25: the table has 24 different rows', () => {
    expect(new Set(table.map(([site, origin]) => `${site} ${origin}`)).size).toBe(24)
  })

  it.each(['GET', 'HEAD', 'OPTIONS'])(
    'S25: %s passes, because it must change nothing',
    (method) => {
      const foreign = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }
      expect(ask(foreign, {}, { method })).toBe(true)
    },
  )

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'PROPFIND', 'PURGE'])(
    'CVE-2026-22030, CVE-2026-53663, CVE-2023-29003, CVE-2023-29008: %s from elsewhere does not, with any content type',
    (method) => {
      for (const type of [
        'text/plain',
        'application/json',
        'multipart/form-data',
        'TEXT/PLAIN; x',
        '',
      ]) {
        const headers = { Origin: 'https://evil.example', 'Content-Type': type }
        expect(ask(headers, {}, { method })).toBe(false)
        expect(ask({ ...headers, 'Sec-Fetch-Site': 'cross-site' }, {}, { method })).toBe(false)
      }
    },
  )

  it('S25: a trusted origin passes, to the letter, scheme and port included', () => {
    const options = { trusted: ['https://admin.example'] }
    const site = { 'Sec-Fetch-Site': 'cross-site' }
    expect(ask({ ...site, Origin: 'https://admin.example' }, options)).toBe(true)
    expect(ask({ Origin: 'https://admin.example' }, options)).toBe(true)
    for (const origin of [
      'http://admin.example',
      'https://admin.example:444',
      'https://ADMIN.example',
    ]) {
      expect(ask({ ...site, Origin: origin }, options)).toBe(false)
    }
    expect(ask(site, options)).toBe(false)
  })

  it('S25: refuses a text in place of the list of trusted origins, of which a part would pass', () => {
    for (const trusted of ['https://admin.example.com', new Set(['https://admin.example.com'])]) {
      const options = { trusted } as unknown as { trusted: string[] }
      const asking = (): boolean => ask({ Origin: 'https://admin.example.co' }, options)
      expect(asking).toThrow('checkOrigin: trusted must be a list')
    }
  })

  it('S25: behind a proxy that ends TLS our own origin is told, and the URL no longer counts', () => {
    const url = 'http://10.0.0.7:3000/transfer'
    expect(ask({ Origin: ours }, {}, { url })).toBe(false)
    expect(ask({ Origin: ours }, { origin: ours }, { url })).toBe(true)
    expect(ask({ Origin: 'http://10.0.0.7:3000' }, { origin: ours }, { url })).toBe(false)
  })

  it('S49: X-Forwarded-Proto and X-Forwarded-Host are not believed', () => {
    const forged = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': 'evil.example' }
    expect(ask({ ...forged, Origin: 'http://evil.example' })).toBe(false)
    expect(ask({ ...forged, Origin: ours })).toBe(true)
  })
})
