import { describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../memory.ts'
import type { SessionStore } from '../store/store.ts'
import { createSessions } from './sessions.ts'

/** A store that counts its scopes, and fails where it is told to. Its own commands are never used. */
function scopedStore() {
  const inner = memoryStore()
  const count = { begun: 0, released: 0, outside: 0 }
  /** The scopes that are not released. */
  const open = new Set<number>()
  const outside = () => {
    count.outside++
    return Promise.reject(new Error('outside of a scope'))
  }
  const fault: { of: Error | null } = { of: null }
  const store: SessionStore = {
    load: outside,
    create: outside,
    save: outside,
    delete: outside,
    scope() {
      const scope = count.begun++
      open.add(scope)
      const failing = async (): Promise<void> => {
        if (fault.of !== null) throw fault.of
      }
      return {
        load: (id, expiresAt) => failing().then(() => inner.load(id, expiresAt)),
        create: (id, bytes, expiresAt) => failing().then(() => inner.create(id, bytes, expiresAt)),
        save: (id, bytes, expiresAt, version) =>
          failing().then(() => inner.save(id, bytes, expiresAt, version as number)),
        delete: (id, version) => failing().then(() => inner.delete(id, version as number)),
        release() {
          count.released++
          open.delete(scope)
        },
      }
    },
  }
  return { store, count, open, fault }
}

type Values = Record<string, unknown>

async function start(more: object = {}) {
  const { store, count, open, fault } = scopedStore()
  const sessions = createSessions<Values>({ store, secrets: 'none', onEvent() {}, ...more })
  const { session, commit } = await sessions.open('')
  session.signIn('ada')
  const { cookie } = await commit()
  return { sessions, count, open, fault, cookie: `${cookie!.name}=${cookie!.value}` }
}

describe('a store with a scope', () => {
  it('has one for each request, from open to the end of its commit', async () => {
    const { sessions, count, cookie } = await start()
    expect(count).toEqual({ begun: 1, released: 1, outside: 0 })
    const { session, commit } = await sessions.open(cookie)
    session.data['a'] = 1
    expect(count).toEqual({ begun: 2, released: 1, outside: 0 })
    expect((await commit()).outcome).toBe('saved')
    expect(count).toEqual({ begun: 2, released: 2, outside: 0 })
  })

  it('is released after what stands beside the two halves', async () => {
    const { sessions, count, cookie } = await start()
    expect(await sessions.list('ada')).toHaveLength(1)
    expect((await sessions.destroy(cookie)).outcome).toBe('destroyed')
    expect(await sessions.end('ada', 'unknown')).toBe('gone')
    expect(await sessions.revoke('ada')).toBe('revoked')
    expect(count).toEqual({ begun: 5, released: 5, outside: 0 })
  })

  it('is released after an open and a commit that fail, and a second commit works', async () => {
    const { sessions, count, fault, cookie } = await start()
    fault.of = Object.assign(new Error('set up wrongly'), { code: 'config' })
    await expect(sessions.open(cookie)).rejects.toBe(fault.of)
    expect(count).toEqual({ begun: 2, released: 2, outside: 0 })
    fault.of = null
    const { session, commit } = await sessions.open(cookie)
    session.data['a'] = () => {}
    await expect(commit()).rejects.toMatchObject({ code: 'unsupported-value' })
    expect(count.released).toBe(3)
    session.data['a'] = 1
    expect((await commit()).outcome).toBe('saved')
    expect(count).toEqual({ begun: 3, released: 4, outside: 0 })
  })

  it('is released by a request that asks late, and by a late save however it ends', async () => {
    const { sessions, open, cookie } = await start()
    const isReleased = () => expect(open.size).toBe(0)
    const late = sessions.lazy(cookie)
    await late.end()
    await late.get()
    isReleased()
    const asked = async () => {
      const lazy = sessions.lazy(cookie)
      await lazy.get()
      await lazy.end()
      return lazy
    }
    const [saves, fails, comesTooLate] = [await asked(), await asked(), await asked()]
    expect(await saves.saveLate((data) => void (data['a'] = 1))).toBe('saved')
    isReleased()
    const refuse = () => {
      throw new Error('the change failed')
    }
    await expect(fails.saveLate(refuse)).rejects.toThrow('the change failed')
    isReleased()
    await sessions.destroy(cookie)
    expect(await comesTooLate.saveLate(() => {})).toBe('gone')
    isReleased()
  })

  it('is released by an upgrade that cannot be let through', async () => {
    const { sessions, open, cookie } = await start()
    const upgrade = sessions.fetch(async (_request, session) => {
      const { data } = await session.get()
      data['a'] = () => {}
    })
    const asked = upgrade(new Request('https://app.test/', { headers: { Cookie: cookie } }))
    await expect(asked).rejects.toMatchObject({ code: 'unsupported-value' })
    expect(open.size).toBe(0)
  })

  it('rule 6: fifty requests at once are all saved, each by itself', async () => {
    const { sessions, count, cookie } = await start()
    const all = await Promise.all(Array.from({ length: 50 }, () => sessions.open(cookie)))
    const ends = await Promise.all(
      all.map(({ session, commit }, at) => {
        session.data[`key${at}`] = at
        return commit()
      }),
    )
    expect(ends.map(({ outcome }) => outcome)).toEqual(Array(50).fill('saved'))
    const { session } = await sessions.open(cookie)
    expect(Object.keys(session.data)).toHaveLength(50)
    expect(count.begun).toBe(52)
  })
})

describe('waitUntil', () => {
  it('gets a sign-out that is sent again, which connects again and lets go', async () => {
    vi.useFakeTimers()
    try {
      const works: Promise<void>[] = []
      const waitUntil = (work: Promise<void>) => void works.push(work)
      const { sessions, count, fault, cookie } = await start({ waitUntil })
      const { session, commit } = await sessions.open(cookie)
      fault.of = new Error('down')
      session.destroy()
      expect((await commit()).outcome).toBe('unconfirmed')
      expect([works.length, count.released]).toEqual([1, 2])
      fault.of = null
      await vi.advanceTimersByTimeAsync(1000)
      await works[0]
      expect(count).toEqual({ begun: 2, released: 3, outside: 0 })
      expect((await sessions.open(cookie)).session.state).toBe('new')
    } finally {
      vi.useRealTimers()
    }
  })

  it('may throw: that is a warning, and the sign-out is answered', async () => {
    const events: { type: string; what?: string }[] = []
    const { sessions, fault, cookie } = await start({
      waitUntil() {
        throw new TypeError('Illegal invocation')
      },
      onEvent: (event: { type: string }) => void events.push(event),
    })
    const { session, commit } = await sessions.open(cookie)
    fault.of = new Error('down')
    session.destroy()
    expect((await commit()).outcome).toBe('unconfirmed')
    expect(events.find(({ type }) => type === 'warning')!.what).toContain('waitUntil threw')
  })
})
