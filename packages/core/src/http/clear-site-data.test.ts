import { describe, expect, it } from 'vitest'
import { clearSiteDataHeader } from './clear-site-data.ts'

describe('clearSiteDataHeader', () => {
  it('S29: quotes what the browser is to forget', () => {
    expect(clearSiteDataHeader(['cache', 'storage'])).toBe('"cache", "storage"')
    expect(clearSiteDataHeader(['*'])).toBe('"*"')
    expect(clearSiteDataHeader(['cookies', 'executionContexts'])).toBe(
      '"cookies", "executionContexts"',
    )
  })

  it('S29: says nothing for nothing', () => {
    expect(clearSiteDataHeader([])).toBeNull()
  })

  it.each([[['caches']], ['cache'], [[null]], [['"cache"\r\nSet-Cookie: a=1']], [null]])(
    'S29: refuses %j, which a browser would not know',
    (types) => {
      expect(() => clearSiteDataHeader(types as never)).toThrow(/must be a list of cache, cookies/)
    },
  )
})
