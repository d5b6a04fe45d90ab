import { byKey, createSessions } from '@coatcheck/core'
import type { SessionEvent, SessionStore, Sessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { createCookieJar } from '../visitor/cookie-jar.ts'
import { createVisitor } from '../visitor/visitor.ts'
import { browserCookies } from './browser-cookies.ts'
import { readSession } from './read-session.ts'
import { withSession } from './with-session.ts'

interface Cart {
  cart: Record<string, number>
  seen: Date
}

function create(): Sessions<Partial<Cart>> {
  return createSessions<Cart>({ store: memoryStore(), merge: { cart: byKey } })
}

const down: SessionStore = {
  inProcess: true,
  load: () => Promise.reject(new Error('down')),
  create: () => Promise.reject(new Error('down')),
  save: () => Promise.reject(new Error('down')),
  delete: () => Promise.reject(new Error('down')),
}

describe('withSession', () => {
  it('gives the cookie of a session that the app finds', async () => {
    const sessions = create()
    const seen = new Date(0)
    const cookie = await withSession(sessions, { cart: { hat: 2 }, seen })
    expect(cookie).toMatch(/^__Host-Http-sid=[\w-]{43}$/)
    const headers = { Cookie: cookie }
    const response = await sessions.handle(
      new Request('https://app.example/', { headers }),
      ({ data, subject, state }) => Response.json({ ...data, subject, state }),
    )
    const body = { cart: { hat: 2 }, seen: seen.toJSON(), subject: null, state: 'live' }
    expect(await response.json()).toEqual(body)
    expect(response.headers.get('Set-Cookie')).toBeNull()
  })

  it('signs a subject in, whose list shows it', async () => {
    const sessions = create()
    const cookie = await withSession(sessions, {}, { subject: 'ada', label: 'a test' })
    expect(await readSession(sessions, cookie)).toEqual({ data: {}, subject: 'ada' })
    expect((await sessions.list('ada')).map(({ label }) => label)).toEqual(['a test'])
  })

  it('signs in a visitor who asked to be remembered', async () => {
    const sessions = create()
    const cookie = await withSession(sessions, {}, { subject: 'ada', persist: true })
    expect((await sessions.list('ada')).map(({ isPersistent }) => isPersistent)).toEqual([true])
    expect((await sessions.open(cookie)).session.isPersistent).toBe(true)
    await expect(withSession(sessions, { cart: {} }, { persist: true })).rejects.toThrow('subject')
  })

  it('gives each call a session of its own', async () => {
    const sessions = create()
    const [one, other] = [
      await withSession(sessions, { cart: { hat: 1 } }),
      await withSession(sessions, { cart: { hat: 1 } }),
    ]
    expect(one).not.toBe(other)
  })

  it('has the name of the cookie that the app has, also over plain http', async () => {
    const perRequest = createSessions<Cart>({
      store: memoryStore(),
      cookie: { secure: 'per-request' },
    })
    const cart = { hat: 1 }
    expect(await withSession(perRequest, { cart }, { secure: false })).toMatch(/^sid=/)
    expect(await withSession(perRequest, { cart })).toMatch(/^__Host-Http-sid=/)
    const cookie = await withSession(perRequest, { cart }, { secure: false })
    expect(await readSession(perRequest, cookie, { secure: false })).not.toBeNull()
    expect(await readSession(perRequest, cookie)).toBeNull()
  })

  it('refuses what would be no session, and says that a store is down', async () => {
    await expect(withSession(create(), {})).rejects.toThrow('nothing to store')
    const broken = createSessions<Cart>({ store: down, onEvent() {} })
    await expect(withSession(broken, { cart: {} })).rejects.toThrow('not stored: unavailable')
    const wrong = { cart: () => {} } as unknown as Cart
    await expect(withSession(create(), wrong)).rejects.toMatchObject({ code: 'unsupported-value' })
  })

  it('takes the data of the sessions alone', () => {
    expectTypeOf(withSession<Partial<Cart>>)
      .parameter(1)
      .toEqualTypeOf<Partial<Partial<Cart>>>()
    const sessions = create()
    // @ts-expect-error the cart has numbers
    const wrong = (): Promise<string> => withSession(sessions, { cart: { hat: 'one' } })
    expect(wrong).toBeTypeOf('function')
  })
})

describe('readSession', () => {
  it('reads by a header, a visitor, a jar, and the cookies of a browser', async () => {
    const sessions = create()
    const cookie = await withSession(sessions, { cart: { hat: 1 } })
    const jar = createCookieJar(`theme=dark; ${cookie}`)
    const visitor = createVisitor(() => new Response(), { jar })
    const stored = { data: { cart: { hat: 1 } }, subject: null }
    const sources = [cookie, jar, visitor, browserCookies(cookie, 'https://app.example')]
    for (const source of sources) expect(await readSession(sessions, source)).toEqual(stored)
  })

  it('finds nothing without a cookie, and after a sign-out', async () => {
    const sessions = create()
    expect(await readSession(sessions, '')).toBeNull()
    expect(await readSession(sessions, 'theme=dark')).toBeNull()
    const cookie = await withSession(sessions, {}, { subject: 'ada' })
    await sessions.revoke('ada')
    expect(await readSession(sessions, cookie)).toBeNull()
  })

  it('is no use of the session, and what it gives is apart from it', async () => {
    let time = Date.now()
    const now = (): number => time
    const sessions = createSessions<Cart>({
      store: memoryStore({ now }),
      lifetime: { idle: 600, rotate: 60 },
      testing: { now },
    })
    const cookie = await withSession(sessions, { cart: { hat: 1 } })
    time += 400_000
    const read = await readSession(sessions, cookie)
    read!.data.cart!['hat'] = 9
    read!.data.cart = { coat: 1 }
    expect((await readSession(sessions, cookie))?.data.cart).toEqual({ hat: 1 })
    time += 300_000
    expect(await readSession(sessions, cookie)).toBeNull()
  })

  it('says that the store cannot be reached', async () => {
    const events: SessionEvent[] = []
    const working = memoryStore()
    const store = { ...down, create: working.create.bind(working) }
    const sessions = createSessions<Cart>({ store, onEvent: (event) => void events.push(event) })
    const cookie = await withSession(sessions, { cart: {} })
    await expect(readSession(sessions, cookie)).rejects.toThrow(
      'readSession: the session is unavailable: the store did not answer',
    )
  })

  it('says that a newer version of the app has saved the session', async () => {
    const [store, onEvent] = [memoryStore(), () => {}]
    const migrate = { version: 1, up() {} }
    const newer = createSessions<Cart>({ store, namespace: 'shop', migrate })
    const sessions = createSessions<Cart>({ store, namespace: 'shop', onEvent })
    const cookie = await withSession(newer, { cart: {} })
    await expect(readSession(sessions, cookie)).rejects.toThrow('a newer version of the app')
  })
})

describe('browserCookies', () => {
  it('makes what browsers in tests take', () => {
    const [cookie, ...more] = browserCookies('__Host-Http-sid=abc', 'https://app.example/cart?x')
    expect(more).toEqual([])
    expect(cookie).toEqual({
      name: '__Host-Http-sid',
      value: 'abc',
      url: 'https://app.example/',
      httpOnly: true,
      secure: true,
      sameSite: 'Lax',
    })
    const plain = browserCookies('sid=a=b; theme=dark', 'http://localhost:3000')
    expect(plain.map(({ name, value, secure }) => [name, value, secure])).toEqual([
      ['sid', 'a=b', false],
      ['theme', 'dark', false],
    ])
    expect(browserCookies('', 'http://localhost:3000')).toEqual([])
  })

  it('refuses a cookie that no browser would take', () => {
    expect(() => browserCookies('__Host-Http-sid=abc', 'http://localhost')).toThrow('plainHttp')
    expect(() => browserCookies('sid=abc', 'localhost')).toThrow(TypeError)
  })
})
