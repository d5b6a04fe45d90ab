import { describe, expect, it } from 'vitest'
import { mayChange } from './origin.ts'

function ask(headers: Record<string, string>, method = 'POST'): boolean {
  return mayChange(new Request('http://shop.example:3000/cart', { method, headers }))
}

describe('mayChange', () => {
  it('lets every site read', () => {
    const evil = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }
    expect(ask(evil, 'GET')).toBe(true)
    expect(ask(evil, 'HEAD')).toBe(true)
    expect(ask(evil, 'PATCH')).toBe(false)
  })

  it('uses only Sec-Fetch-Site if the browser sends it', () => {
    expect(ask({ 'Sec-Fetch-Site': 'same-origin' })).toBe(true)
    expect(ask({ 'Sec-Fetch-Site': 'none' })).toBe(true)
    expect(ask({ 'Sec-Fetch-Site': 'same-site' })).toBe(false)
    expect(ask({ 'Sec-Fetch-Site': 'cross-site', Origin: 'http://shop.example:3000' })).toBe(false)
    expect(ask({ 'Sec-Fetch-Site': 'same-origin', Origin: 'null' })).toBe(true)
  })

  it('compares hosts if the browser sends only an origin', () => {
    expect(ask({ Origin: 'http://shop.example:3000' })).toBe(true)
    expect(ask({ Origin: 'https://shop.example:3000' })).toBe(true)
    expect(ask({ Origin: 'http://shop.example' })).toBe(false)
    expect(ask({ Origin: 'http://shop.example:3000.evil.example' })).toBe(false)
    expect(ask({ Origin: 'https://evil.example' })).toBe(false)
    expect(ask({ Origin: 'null' })).toBe(false)
  })

  it('accepts clients that are not browsers', () => {
    expect(ask({})).toBe(true)
  })
})
