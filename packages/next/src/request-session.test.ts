import type { Sessions } from '@coatcheck/core'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { expect, it } from 'vitest'
import { RequestSession } from './request-session.ts'

interface Visitor {
  n: number
}

function createCounted(): { readonly sessions: Sessions<Partial<Visitor>>; loads: () => number } {
  const store = memoryStore()
  let loads = 0
  const load: typeof store.load = (...args) => {
    loads++
    return store.load(...args)
  }
  return { sessions: createSessions<Visitor>({ store: { ...store, load } }), loads: () => loads }
}

async function cookieOf(sessions: Sessions<Partial<Visitor>>): Promise<string> {
  const { session, commit } = await sessions.open(null)
  session.data.n = 1
  const { cookie } = await commit()
  return `${cookie?.name}=${cookie?.value}`
}

it('loads once for all that read at the same time', async () => {
  const { sessions, loads } = createCounted()
  const request = new RequestSession(() => sessions, await cookieOf(sessions))
  const lazies = await Promise.all([request.read(), request.read(), request.read()])
  expect(new Set(lazies).size).toBe(1)
  await Promise.all(lazies.map((lazy) => lazy.get()))
  expect(loads()).toBe(1)
})

it('shows what a handler saved to all that read at the same time, without a load', async () => {
  const { sessions, loads } = createCounted()
  const request = new RequestSession(() => sessions, await cookieOf(sessions))
  const lazy = await request.write({})
  const { data } = (await lazy.get()) as { data: Visitor }
  data.n = 2
  await lazy.end()
  const before = loads()
  const shown = await Promise.all([request.read(), request.read()])
  for (const one of shown) expect((await one.get()) as object).toMatchObject({ data: { n: 2 } })
  expect(loads()).toBe(before)
})

it('refuses changes to what it shows, also of a session that a handler saved', async () => {
  const { sessions } = createCounted()
  const request = new RequestSession(() => sessions, await cookieOf(sessions))
  const lazy = await request.write({})
  const session = (await lazy.get()) as { data: Visitor }
  session.data.n = 2
  await lazy.end()
  await request.read()
  expect(() => (session.data.n = 3)).toThrow(expect.objectContaining({ code: 'read-only' }))
})

it('does not show or lock a session that a handler still changes', async () => {
  const { sessions } = createCounted()
  const request = new RequestSession(() => sessions, await cookieOf(sessions))
  const lazy = await request.write({})
  const session = (await lazy.get()) as { data: Visitor }
  const shown = await request.read()
  expect(shown).not.toBe(lazy)
  session.data.n = 2
  expect((await lazy.end())?.outcome).toBe('saved')
})

it('opens the next one with the cookie of the last', async () => {
  const { sessions } = createCounted()
  const request = new RequestSession(() => sessions, await cookieOf(sessions))
  const first = await request.write({})
  ;(await first.get()).signIn('ada')
  await first.end()
  const second = await request.write({})
  expect((await second.get()).subject).toBe('ada')
  ;(await second.get()).destroy()
  await second.end()
  const third = await request.read()
  expect((await third.get()).state).toBe('new')
})

it('saves a late change of a session that was only read', async () => {
  const { sessions } = createCounted()
  const cookies = await cookieOf(sessions)
  const lazy = await new RequestSession(() => sessions, cookies).read()
  const add = (data: object): void => void Object.assign(data, { n: 5 })
  expect(await lazy.saveLate(add)).toBe('saved')
  expect((await sessions.open(cookies)).session.data.n).toBe(5)
})

it('takes touch: undefined for its default, so that a prefetch stays no use of the session', async () => {
  const asked: unknown[] = []
  const { sessions } = createCounted()
  const lazy: typeof sessions.lazy = (source, options) => {
    asked.push(options?.touch)
    return sessions.lazy(source, options)
  }
  const request = new RequestSession(() => ({ ...sessions, lazy }), null, false)
  await request.write({ touch: undefined } as unknown as { touch: boolean })
  await request.write({ touch: true })
  expect(asked).toEqual([false, true])
})
