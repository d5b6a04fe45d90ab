import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { createApp } from './app.ts'

const origin = 'http://localhost:3000'

/** An app whose store counts its commands, fails at the `broken` one, and takes a while for the `slow` one. */
function setUp({ broken, slow }: { broken?: keyof SessionStore; slow?: keyof SessionStore } = {}) {
  const records = memoryStore()
  let trips = 0
  const reach = async <result>(name: keyof SessionStore, call: () => Promise<result>) => {
    trips += 1
    if (name === broken) throw new Error('The store is down')
    if (name === slow) await sleep(200)
    return call()
  }
  const store: SessionStore = {
    load: (...args) => reach('load', () => records.load(...args)),
    create: (...args) => reach('create', () => records.create(...args)),
    save: (id, bytes, at, version) =>
      reach('save', () => records.save(id, bytes, at, version as number)),
    delete: (id, version) => reach('delete', () => records.delete(id, version as number)),
  }
  const fetch = createApp({ store, explain: true, plainHttp: true })
  let cookie = ''
  return {
    trips: () => trips,
    cookie: () => cookie,
    async ask(method: string, path: string, init: RequestInit = {}) {
      const headers = new Headers(init.headers)
      if (cookie !== '') headers.set('Cookie', cookie)
      const response = await fetch(new Request(origin + path, { ...init, method, headers }))
      for (const line of response.headers.getSetCookie()) cookie = line.split(';')[0] ?? ''
      return response
    },
  }
}

describe('the files of the page', () => {
  it('cost no trip, whatever cookie is sent', async () => {
    const { ask, trips, cookie } = setUp()
    await ask('POST', '/api/increment?key=visits')
    expect([cookie().length, trips()]).toEqual([47, 1])
    const types = {
      '/style.css': 'text/css',
      '/page.css': 'text/css',
      '/page.js': 'text/javascript',
      '/ticket.svg': 'image/svg+xml',
    }
    for (const [path, type] of Object.entries(types)) {
      const response = await ask('GET', path)
      expect(response.headers.get('Content-Type')).toBe(`${type}; charset=utf-8`)
      expect(response.headers.getSetCookie()).toEqual([])
    }
    expect(trips()).toBe(1)
  })

  it('are all that a page may load, and no page has a script or style of its own', async () => {
    const { ask } = setUp()
    for (const path of ['/', '/public', '/nothing']) {
      const response = await ask('GET', path)
      const policy = response.headers.get('Content-Security-Policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toMatch(/unsafe|\*/)
      const page = await response.text()
      expect(page).not.toMatch(/<style|<script(?![^>]* src=)|\son\w+=|\sstyle=/)
      expect(page).toContain('<script type="module" src="/page.js">')
    }
  })
})

describe('requests from other sites', () => {
  it('are refused before the session is opened', async () => {
    const { ask, trips } = setUp()
    await ask('POST', '/api/increment?key=visits')
    const headers = { 'Sec-Fetch-Site': 'cross-site' }
    expect((await ask('POST', '/api/increment?key=visits', { headers })).status).toBe(403)
    expect((await ask('POST', '/visit', { headers })).status).toBe(403)
    expect(trips()).toBe(1)
  })
})

describe('what cannot be saved', () => {
  it('is refused with the words of the core', async () => {
    const { ask } = setUp()
    const body = String.raw`{"set":{"a":{"\ud800":1}}}`
    const response = await ask('PATCH', '/api/session', { body })
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: string }
    expect(error).toContain('session.data.a')
    expect(error).toContain('Nothing was saved')
  })

  it('is a conflict when a counter was turned into something else meanwhile', async () => {
    const { ask } = setUp()
    await ask('POST', '/api/increment?key=visits')
    const slowly = ask('POST', '/api/increment?key=visits&delay=200')
    await ask('PATCH', '/api/session', { body: '{"set":{"visits":"many"}}' })
    const response = await slowly
    expect(response.status).toBe(409)
    expect(await (await ask('GET', '/api/session')).json()).toMatchObject({
      data: { visits: 'many' },
    })
  })
})

describe('a store that breaks between reading and saving', () => {
  it('is reported for a change, by API and by form', async () => {
    const { ask } = setUp({ broken: 'create' })
    const api = await ask('POST', '/api/increment?key=visits')
    expect([api.status, await api.json()]).toEqual([503, { state: 'unavailable', data: {} }])
    const form = await ask('POST', '/visit')
    expect(form.status).toBe(503)
    expect(await form.text()).toContain('You are not signed out')
    expect(form.headers.getSetCookie()).toEqual([])
  })

  it('leaves a sign-out unconfirmed, and reports it', async () => {
    const { ask, cookie } = setUp({ broken: 'delete' })
    await ask('POST', '/visit')
    const before = cookie()
    expect((await ask('POST', '/api/logout')).status).toBe(503)
    expect((await ask('POST', '/sign-out')).status).toBe(503)
    expect(cookie()).toBe(before)
  })
})

describe('a sign-in beside a sign-out', () => {
  it('H3: signs in all the same, with nothing of the session that was signed out', async () => {
    const { ask } = setUp({ slow: 'create' })
    await ask('POST', '/api/increment?key=secret')
    const signIn = ask('POST', '/sign-in', { body: new URLSearchParams({ user: 'Ada' }) })
    await sleep(100)
    await ask('POST', '/api/logout')
    const response = await signIn
    expect(response.status).toBe(303)
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(await (await ask('GET', '/')).text()).toContain('Ada')
    const session = (await (await ask('GET', '/api/session')).json()) as { data: object }
    expect(session.data).toEqual({ user: 'Ada' })
  })
})

describe('the number on the ticket', () => {
  it('stays from visit to visit, and changes at sign-in', async () => {
    const { ask } = setUp()
    const read = async () =>
      /<strong>(\d{4})</.exec(await (await ask('GET', '/')).text())?.[1] ?? null
    expect(await read()).toBeNull()
    await ask('POST', '/visit')
    const first = await read()
    expect(first).toMatch(/^\d{4}$/)
    expect(await read()).toBe(first)
    await ask('POST', '/sign-in', { body: new URLSearchParams({ user: 'Ada' }) })
    expect(await read()).not.toBe(first)
  })
})
