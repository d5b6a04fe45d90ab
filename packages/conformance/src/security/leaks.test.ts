import { inspect } from 'node:util'
import { createSessions } from '@coatcheck/core'
import type { Session, Sessions, SessionsOptions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createVisitor } from '../visitor.ts'
import { marker, watchLeaks } from './spy.ts'
import type { Leaks } from './spy.ts'
import { through } from './stores.ts'

type Data = Record<string, unknown>
type Options = Partial<SessionsOptions<Data>>

let leaks: Leaks
let said: string[]

/** Everything in an error or an event, with hidden parts and causes. */
const textOf = (thing: unknown): string => {
  const { stack = '', cause } = (thing ?? {}) as Error
  const own = inspect(thing, {
    depth: 12,
    showHidden: true,
    maxStringLength: null,
    maxArrayLength: null,
  })
  return `${own}\n${stack}\n${cause === undefined ? '' : textOf(cause)}\n${String(thing)}`
}

const say = (thing: unknown): void => void said.push(textOf(thing))

beforeEach(() => {
  leaks = watchLeaks()
  said = []
  for (const way of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    vi.spyOn(console, way).mockImplementation((...args) => args.forEach(say))
  }
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => (said.push(String(text)), true))
  }
  process.on('warning', say)
})

afterEach(() => {
  process.off('warning', say)
  vi.restoreAllMocks()
})

/** A secret that must not appear in any output. */
function secret(): string {
  const text = marker()
  leaks.keep(text)
  return text
}

interface Scene {
  readonly sessions: Sessions<Data>
  readonly visit: (cookie: string, act: (session: Session<Data>) => unknown) => Promise<string>
}

/** Sessions whose events and errors are recorded, with every token and id. */
function scene(options: Options & Pick<SessionsOptions<Data>, 'store'>): Scene {
  const key = secret()
  leaks.keep(key)
  const store = through(options.store, ({ id }) => leaks.keep(id))
  const { inProcess } = options.store
  const sessions = createSessions<Data>({
    secrets: [key],
    testing: { wait: async () => {} },
    explain: true,
    onEvent: say,
    ...options,
    store: inProcess === true ? { ...store, inProcess } : store,
  })
  return {
    sessions,
    async visit(cookie, act) {
      const visitor = createVisitor(sessions, cookie)
      try {
        await visitor.visit(async (session) => {
          await act(session)
          if (session.id !== null) leaks.keep(session.id)
        })
      } catch (error) {
        say(error)
      }
      leaks.keep(visitor.cookie.slice(visitor.cookie.indexOf('=') + 1))
      return visitor.cookie
    },
  }
}

/** Logins, logouts, renewals, forms, lists, mistakes and forgeries. */
async function live({ sessions, visit }: Scene, pass: () => void): Promise<void> {
  const [user, value, label] = [secret(), secret(), secret()]
  const fill = ({ data }: Session<Data>): void =>
    void Object.assign(data, { value, n: { deep: [value] } })
  let cookie = await visit('', fill)
  cookie = await visit(cookie, (session) => session.signIn(user, { label }))
  await visit('', (session) => session.signIn(user, { label }))
  pass()
  const old = cookie
  cookie = await visit(cookie, fill)
  await visit(old, fill)
  let form = ''
  await visit(cookie, async (session) => void (form = await session.csrfToken()))
  leaks.keep(form)
  await visit(cookie, (session) => session.verifyCsrf(form))
  await visit(cookie, (session) => session.verifyCsrf(`${form}x`))
  await visit(cookie, ({ data }) => void (data['large'] = value.repeat(5000)))
  await visit(cookie, ({ data }) => void (data['bad'] = { inner: [value, () => value] }))
  await visit(cookie, ({ data }) => void (data['bad'] = Symbol(value)))
  await visit(
    cookie,
    ({ data }) =>
      void (data['bad'] = new (class Odd {
        own = value
      })()),
  )
  await visit(cookie, (session) => session.requireFresh(Number.NaN))
  await visit(cookie, (session) => session.signIn(`${user}\0`))
  await visit(cookie, () => {
    throw new TypeError('a mistake of the app')
  })
  const late = await sessions.open(cookie).catch(say)
  await late?.commit()
  for (const change of [
    () => void Object.assign(late?.session.data ?? {}, { value }),
    () => late?.session.renew(),
  ]) {
    try {
      change()
    } catch (error) {
      say(error)
    }
  }
  for (const { ref } of await sessions.list(user).catch(() => [])) {
    say(await sessions.end(secret(), ref))
  }
  const token = cookie.slice(cookie.indexOf('=') + 1)
  const name = cookie.slice(0, cookie.indexOf('='))
  for (const forged of [
    `${cookie}; ${cookie}`,
    `${name}=${token}x`,
    `${name}=${token.slice(0, -1)}`,
    `${name}="${token}"`,
    `${name}=${secret()}${'A'.repeat(11)}`,
    `${name}=${token.slice(0, 42)}A`,
  ]) {
    await visit(forged, fill)
  }
  cookie = await visit(cookie, (session) => session.renew())
  say(await sessions.revoke(user).catch((error: unknown) => error))
  await visit(cookie, fill)
  await visit(cookie, (session) => session.destroy())
}

function expectNoLeaks(atLeast: number): void {
  const text = said.join('\n')
  const { length } = said
  vi.restoreAllMocks()
  expect(leaks.findIn(text)).toEqual([])
  expect(leaks.size()).toBeGreaterThan(150)
  expect(length).toBeGreaterThan(atLeast)
}

describe('events, errors and logs', () => {
  let memcached: MemcachedProcess
  beforeAll(async () => void (memcached = await startMemcached()))
  afterAll(() => memcached.kill())

  it('S33, S35, rule 14: over a memcached, shows no token, id, value, subject, form or secret', async () => {
    let ahead = 0
    const store = memcachedStore({ servers: memcached.address })
    const now = (): number => Date.now() + ahead
    await live(
      scene({ store, testing: { now }, lifetime: { rotate: 60 } }),
      () => void (ahead += 61_000),
    )
    store.close()
    expectNoLeaks(25)
  })

  it('S33, S35, S34: over a memcached that dies, comes back empty, and refuses, the same', async () => {
    const unsteady = await startMemcached()
    const store = memcachedStore({ servers: unsteady.address })
    const scenes = [scene({ store }), scene({ store, unavailable: 'throw' })]
    for (const each of scenes) {
      const value = secret()
      const cookie = await each.visit('', ({ data }) => void (data['value'] = value))
      await unsteady.kill()
      for (const act of [
        () => {},
        ({ data }: Session<Data>) => void (data['value'] = value),
        (session: Session<Data>) => session.destroy(),
        (session: Session<Data>) => session.renew(),
      ]) {
        await each.visit(cookie, act)
      }
      await live(each, () => {})
      await unsteady.restart()
      await store.check().catch(say)
      await each.visit(cookie, ({ data }) => void (data['value'] = value))
    }
    store.close()
    await unsteady.kill()
    const bare = await startMemcached({ args: ['-C'] })
    const without = memcachedStore({ servers: bare.address })
    await live(scene({ store: without }), () => {})
    without.close()
    await bare.kill()
    const small = await startMemcached({ args: ['-I', '16k', '-o', 'slab_chunk_max=8192'] })
    const tight = memcachedStore({ servers: small.address })
    const { visit } = scene({ store: tight })
    const value = secret()
    await visit('', ({ data }) => void (data['value'] = value.repeat(1000)))
    tight.close()
    await small.kill()
    expectNoLeaks(40)
  })

  it('S35: values that cannot be decoded, schemas that refuse and resolvers that fail show no value', async () => {
    const value = secret()
    const records = memoryStore()
    const damage = (bytes: Uint8Array): Uint8Array => {
      const at = Buffer.from(bytes).indexOf(value)
      return bytes.map((byte, index) => (index < at && index >= at - 2 ? 0xc1 : byte))
    }
    let damaged = false
    const store = {
      ...records,
      inProcess: true,
      load: async (...args: Parameters<typeof records.load>) => {
        const found = await records.load(...args)
        return found && damaged ? { ...found, bytes: damage(found.bytes) } : found
      },
    }
    const whole = scene({ store })
    const cookie = await whole.visit('', ({ data }) => void (data['value'] = value))
    damaged = true
    await whole.visit(cookie, ({ data }) => data['value'])
    damaged = false
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (given: unknown) =>
          Object.keys(given as object).length === 0
            ? { value: {} }
            : { issues: [{ message: `not this: ${JSON.stringify(given)}` }] },
      },
    } as const
    const strict = createSessions({ store: records, schema, onEvent: say })
    say((await strict.open(cookie)).session.state)
    const failing = scene({
      store,
      merge: () => () => {
        throw new Error('a resolver that fails')
      },
    })
    const [first, second] = [
      await failing.sessions.open(cookie),
      await failing.sessions.open(cookie),
    ]
    for (const { session, commit } of [first, second]) {
      session.data['value'] = secret()
      await commit().catch(say)
    }
    expect(said.join()).toMatch(/merge-failed/)
    expect(said.join()).toMatch(/damaged/)
    expect(said.join()).toMatch(/'schema'/)
    expectNoLeaks(5)
  })

  it('S35: options that are refused show no secret', () => {
    const key = secret()
    for (const options of [
      { secrets: [key.slice(0, 30)] },
      { secrets: [key, key] },
      { secrets: [key, ''] },
      { secrets: key as never },
      { secrets: { key } as never },
      { store: { key } as never },
      { [key]: 1 } as never,
    ]) {
      try {
        createSessions({ store: memoryStore(), ...options })
      } catch (error) {
        if (!Object.hasOwn(options, key)) say(error)
      }
    }
    leaks.keep(key)
    const { length } = said
    vi.restoreAllMocks()
    expect(length).toBe(6)
    expect(leaks.findIn(said.join('\n'))).toEqual([])
  })

  it('S33: the search notices a token in an event, in a cause, and on the console', () => {
    const token = secret()
    for (const leak of [
      () => say({ type: 'token.unknown', idPrefix: token.slice(3, 15) }),
      () => say(new Error('failed', { cause: new Error(`for ${token}`) })),
      () => say(Object.assign(new Error('failed'), { details: { nested: [{ token }] } })),
      // oxlint-disable-next-line no-console
      () => console.error('for', token),
      () => void process.stderr.write(`for ${token}\n`),
    ]) {
      said.length = 0
      leak()
      const found = leaks.findIn(said.join('\n'))
      if (found.length === 0) throw new Error(`not noticed: ${said.join()}`)
    }
    expect(leaks.findIn('nothing to see here, all in order')).toEqual([])
  })
})

describe('polluted prototypes', () => {
  const polluted = Object.prototype as unknown as Record<string, unknown>
  afterEach(() => {
    for (const key of ['user', 'isAdmin', 'role']) Reflect.deleteProperty(polluted, key)
  })

  it('S30: a property of Object.prototype is not part of a session, is not saved, and not listed', async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    const visitor = createVisitor(sessions)
    await visitor.visit(({ data }) => void (data['cart'] = [1]))
    polluted['user'] = 'x'
    const { session, commit } = await sessions.open(visitor.cookie)
    expect(Object.keys(session.data)).toEqual(['cart'])
    expect(Object.hasOwn(session.data, 'user')).toBe(false)
    expect({ ...session.data }).toEqual({ cart: [1] })
    expect((await commit()).outcome).toBe('unchanged')
    Reflect.deleteProperty(polluted, 'user')
    expect((await sessions.open(visitor.cookie)).session.data['user']).toBeUndefined()
  })

  it('S30, CVE-2021-21368: __proto__ from a request body goes no further than the request', async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    const visitor = createVisitor(sessions)
    const body: unknown = JSON.parse(
      '{"__proto__":{"isAdmin":true},"a":{"__proto__":{"isAdmin":true}}}',
    )
    await expect(
      visitor.visit(({ data }) => void Object.assign(data, { body })),
    ).rejects.toMatchObject({
      code: 'unsupported-value',
    })
    await expect(
      visitor.visit(({ data }) => {
        Object.defineProperty(data, '__proto__', { value: 1, enumerable: true, configurable: true })
      }),
    ).rejects.toMatchObject({ code: 'unsupported-value' })
    await visitor.visit(({ data }) => void (data['b'] = 1))
    await expect(
      visitor.visit(({ data }) => void (data['__proto__'] = { isAdmin: true })),
    ).rejects.toMatchObject({ code: 'unsupported-value' })
    const { session } = await sessions.open(visitor.cookie)
    expect(session.data).toEqual({ b: 1 })
    expect(session.data['isAdmin']).toBeUndefined()
    expect(({} as Data)['isAdmin']).toBeUndefined()
  })

  it('S30: names of Object.prototype are keys like any other, and a new session has no key', async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    const visitor = createVisitor(sessions)
    await visitor.visit(({ data }) => {
      expect(Object.keys(data)).toEqual([])
      Object.assign(data, { toString: 'a', constructor: 'b', hasOwnProperty: 'c', prototype: 'd' })
    })
    const { session } = await sessions.open(visitor.cookie)
    expect({ ...session.data }).toEqual({
      toString: 'a',
      constructor: 'b',
      hasOwnProperty: 'c',
      prototype: 'd',
    })
    expect(({} as { toString: unknown }).toString).toBe(Object.prototype.toString)
  })
})
