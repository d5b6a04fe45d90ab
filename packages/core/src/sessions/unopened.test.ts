import { inspect } from 'node:util'
import { runInThisContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../store/memory-store.ts'
import type { Session } from '../session/session.ts'
import { createSessions } from './sessions.ts'

type Loose = Record<string, unknown>

const lazy = (): Loose => createSessions({ store: memoryStore() }).lazy(null) as unknown as Loose

describe('the session of a request, before get()', () => {
  it('throws for what only the opened session has, and says what to write', async () => {
    const { session } = await createSessions({ store: memoryStore() }).open(null)
    const names = (Object.getOwnPropertyNames(session) as (keyof Session<object>)[]).concat(
      Object.getOwnPropertyNames(Object.getPrototypeOf(session)) as (keyof Session<object>)[],
    )
    const others: readonly string[] = ['constructor', 'toJSON']
    const missing = names.filter((name) => !others.includes(name) && !(name in lazy()))
    expect(missing).toEqual(expect.arrayContaining(['subject', 'data', 'state', 'signIn']))
    for (const name of missing) {
      expect(() => lazy()[name], name).toThrow(`(await session.get()).${name}`)
    }
  })

  it('refuses an assignment, in sloppy code too', () => {
    const sloppy = '(function (session) { session.views = 77 })'
    const assign = runInThisContext(sloppy) as (session: Loose) => void
    expect(() => assign(lazy())).toThrow(/"views" would be lost/)
    expect(() => assign(lazy())).toThrow(TypeError)
  })

  it('refuses a key for get(), as other libraries have it: the promise would be a visitor who is signed in', () => {
    const { get } = Object.getPrototypeOf(lazy()) as { get: (...keys: string[]) => unknown }
    const guard = (): boolean => Boolean(get.call(lazy(), 'user'))
    expect(guard).toThrow('Coatcheck: get() takes no key: (await session.get()).data')
  })

  it('has nothing under the names that others ask every object for', async () => {
    const session = lazy()
    for (const name of ['then', 'toJSON', 'nodeType', 'asymmetricMatch', 'cookie']) {
      expect(session[name]).toBeUndefined()
    }
    expect(await Promise.resolve(session)).toBe(session)
    expect(String(session)).toBe('[object Object]')
    expect(JSON.stringify(session)).toBe('{}')
  })

  it('says in a log what it is', () => {
    expect(inspect(lazy())).toBe('RequestSession { await get() for the session }')
  })
})
