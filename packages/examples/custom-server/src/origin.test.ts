import { describe, expect, it } from 'vitest'
import { mayChange } from './origin.ts'

function ask(headers: Record<string, string>, method = 'POST'): boolean {
  return mayChange(new Request('http://shop.example:3000/cart', { method, headers }))
}

describe('mayChange', () => {
  it('lets everybody look', () => {
    const evil = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }
    expect(ask(evil, 'GET')).toBe(true)
    expect(ask(evil, 'HEAD')).toBe(true)
    expect(ask(evil, 'PATCH')).toBe(false)
  })

  it('believes what the browser says about the site, and nothing else then', () => {
    expect(ask({ 'Sec-Fetch-Site': 'same-origin' })).toBe(true)
    expect(ask({ 'Sec-Fetch-Site': 'none' })).toBe(true)
    expect(ask({ 'Sec-Fetch-Site': 'same-site' })).toBe(false)
    expect(ask({ 'Sec-Fetch-Site': 'cross-site', Origin: 'http://shop.example:3000' })).toBe(false)
    expect(ask({ 'Sec-Fetch-Site': 'same-origin', Origin: 'null' })).toBe(true)
  })

  it('compares hosts where the browser gives an origin only', () => {
    expect(ask({ Origin: 'http://shop.example:3000' })).toBe(true)
    expect(ask({ Origin: 'https://shop.example:3000' })).toBe(true)
    expect(ask({ Origin: 'http://shop.example' })).toBe(false)
    expect(ask({ Origin: 'http://shop.example:3000.evil.example' })).toBe(false)
    expect(ask({ Origin: 'https://evil.example' })).toBe(false)
    expect(ask({ Origin: 'null' })).toBe(false)
  })

  it('lets in who is no browser', () => {
    expect(ask({})).toBe(true)
  })
})
