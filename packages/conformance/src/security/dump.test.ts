/**
 * What an attacker learns by reading memcached (a dump, a backup, an open port), and what an attacker can do by
 * writing to it.
 */
import { createSessions } from '@coatcheck/core'
import type { Session, SessionEvent, Sessions, SessionsOptions } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createVisitor } from '../visitor.ts'
import { marker, watchLeaks } from './spy.ts'

type Data = Record<string, unknown>
type Store = ReturnType<typeof memcachedStore>

const name = '__Host-Http-sid'
const secret = marker() + marker()
let memcached: MemcachedProcess
let store: Store
let ahead = 0
const now = (): number => Date.now() + ahead
let events: SessionEvent[] = []
let sessions: Sessions<Data>

const build = (options: Partial<SessionsOptions<Data>> = {}): Sessions<Data> =>
  createSessions<Data>({
    store,
    secrets: [secret],
    testing: { now },
    onEvent: (event) => events.push(event),
    ...options,
  })

beforeAll(async () => {
  memcached = await startMemcached({ trace: false })
  store = memcachedStore({ servers: memcached.address, deadline: 2000 })
})
afterAll(async () => {
  store.close()
  await memcached.kill()
})
beforeEach(async () => {
  await memcached.flush()
  ahead = 0
  events = []
  sessions = build()
})

const tokenOf = (cookie: string): string => cookie.slice(name.length + 1)

async function begin(act: (session: Session<Data>) => unknown, from = sessions): Promise<string> {
  const visitor = createVisitor(from)
  await visitor.visit(async (session) => void (await act(session)))
  return visitor.cookie
}

async function dump(): Promise<Map<string, Buffer>> {
  const keys = await memcached.keys()
  const values = await Promise.all(keys.map((key) => memcached.rawGet(key)))
  return new Map(keys.flatMap((key, at) => (values[at] ? [[key, values[at]]] : [])))
}

/** The key under which a cookie's session is. */
async function keyOf(cookie: string, from = sessions): Promise<string> {
  const { session } = await from.open(cookie)
  return `coatcheck:${session.id}`
}

async function see(cookie: string, from = sessions): Promise<{ state: string; data: Data }> {
  const { session } = await from.open(cookie)
  return { state: session.state, data: { ...session.data } }
}

const put = async (key: string, value: Uint8Array): Promise<void> =>
  memcached.rawSet(key, value, 3600)

describe('a dump of memcached', () => {
  it('S59b, S23, rule 5, rule 12: holds no token, value, subject, label, form or secret', async () => {
    const leaks = watchLeaks()
    const texts = Array.from({ length: 6 }, marker) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    leaks.keep(...texts, secret)
    const [user, admin, value, label, key, old] = texts
    const rotating = build({ lifetime: { rotate: 60 } })
    const cookies: string[] = []
    for (const subject of [user, admin, user]) {
      cookies.push(
        await begin((session) => {
          Object.assign(session.data, { value, [key]: [value, { nested: new Map([[value, 1]]) }] })
          session.signIn(subject, { label })
        }, rotating),
      )
    }
    cookies.push(await begin(async (session) => leaks.keep(await session.csrfToken()), rotating))
    ahead += 61_000
    const visitor = createVisitor(rotating, cookies[0])
    await visitor.visit(({ data }) => void (data['old'] = old))
    expect(visitor.cookie).not.toBe(cookies[0])
    cookies.push(visitor.cookie)
    const tokens = cookies.map(tokenOf)
    leaks.keep(...tokens)
    const entries = await dump()
    // Four sessions, one of them with its forward, and the lists of two subjects.
    expect(entries.size).toBe(7)
    for (const [entry, bytes] of entries) {
      const unpacked = [
        entry,
        bytes.toString('latin1'),
        bytes.toString('utf8'),
        bytes.toString('base64url'),
        bytes.toString('hex'),
        Buffer.from(bytes.toString('latin1'), 'base64url').toString('latin1'),
      ]
      for (const text of unpacked) expect(leaks.findIn(text)).toEqual([])
      for (const token of tokens) {
        expect(bytes.includes(Buffer.from(token, 'base64url').subarray(0, 8))).toBe(false)
      }
    }
    const plain = build({ store: { ...store, inProcess: true }, namespace: 'unsealed' })
    await begin(({ data }) => void (data['value'] = value), plain)
    const all = [...(await dump()).values()].map((bytes) => bytes.toString('latin1')).join()
    expect(leaks.findIn(all)).not.toEqual([])
  })

  it('S59b, CVE-2019-16782: nothing in it is a token that works, neither a key nor any piece of a value', async () => {
    for (let n = 0; n < 5; n++) await begin((session) => session.signIn(`user-${n}`))
    const pieces = new Set<string>()
    for (const [key, bytes] of await dump()) {
      pieces.add(key).add(key.replace('coatcheck:', ''))
      const texts = [bytes.toString('latin1'), bytes.toString('base64url'), bytes.toString('hex')]
      for (const text of texts) {
        for (let at = 0; at + 43 <= text.length; at++) pieces.add(text.slice(at, at + 43))
      }
      for (let at = 0; at + 32 <= bytes.length; at++) {
        pieces.add(bytes.subarray(at, at + 32).toString('base64url'))
      }
    }
    const tokens = [...pieces].filter((piece) => /^[\w-]{42}[AEIMQUYcgkosw048]$/.test(piece))
    expect(tokens.length).toBeGreaterThan(300)
    for (const token of tokens) expect((await see(`${name}=${token}`)).state).toBe('new')
  })

  it('S59b: even with the leaked secret no record opens: each key needs the token', async () => {
    const victim = await begin(({ data }) => void (data['user'] = 'victim'))
    const bytes = await memcached.rawGet(await keyOf(victim))
    for (const guess of [secret, (await keyOf(victim)).replace('coatcheck:', ''), '']) {
      const thief = await begin(({ data }) => void (data['user'] = 'thief'))
      await put(await keyOf(thief), bytes as Buffer)
      expect((await see(thief)).state).toBe('new')
      expect((await see(`${name}=${guess}`)).state).toBe('new')
    }
  })
})

describe('a writer with full access to memcached', () => {
  it('rule 12, S80: cannot change a byte of a record', async () => {
    const cookie = await begin(({ data }) => void (data['role'] = 'user'))
    const key = await keyOf(cookie)
    const bytes = (await memcached.rawGet(key)) as Buffer
    for (let at = 0; at < bytes.length; at++) {
      const edited = Buffer.from(bytes)
      edited[at] = (edited[at] as number) ^ (1 << (at & 7))
      await put(key, edited)
      expect(await see(cookie)).toEqual({ state: 'new', data: {} })
    }
    await put(key, bytes)
    expect(await see(cookie)).toEqual({ state: 'live', data: { role: 'user' } })
    expect(events.filter(({ type }) => type === 'record.unreadable')).toHaveLength(bytes.length)
  })

  it('rule 12, S80: cannot truncate or extend a record', async () => {
    const cookie = await begin(({ data }) => void (data['role'] = 'user'))
    const key = await keyOf(cookie)
    const bytes = (await memcached.rawGet(key)) as Buffer
    for (let length = 0; length < bytes.length; length++) {
      await put(key, bytes.subarray(0, length))
      expect((await see(cookie)).state).toBe('new')
    }
    await put(key, Buffer.concat([bytes, Buffer.from([0])]))
    expect((await see(cookie)).state).toBe('new')
  })

  it('rule 12, S80: cannot swap records, lists or forwards', async () => {
    const rotating = build({ lifetime: { rotate: 60 } })
    const admin = await begin((session) => session.signIn('admin'), rotating)
    const user = await begin((session) => session.signIn('user'), rotating)
    const guest = await begin(({ data }) => void (data['cart'] = 1), rotating)
    ahead += 61_000
    const visitor = createVisitor(rotating, guest)
    await visitor.visit(() => {})
    const cookies = [admin, user, guest, visitor.cookie]
    const before = new Map<string, unknown>()
    const entries = await dump()
    expect(entries.size).toBe(6)
    for (const cookie of cookies) before.set(cookie, await see(cookie, rotating))
    for (const [to, own] of entries) {
      for (const [from, bytes] of entries) {
        if (from === to) continue
        await put(to, bytes)
        for (const cookie of cookies) {
          const seen = await see(cookie, rotating)
          if (seen.state === 'live') expect(seen).toEqual(before.get(cookie))
          else expect(seen).toEqual({ state: 'new', data: {} })
        }
      }
      await put(to, own)
    }
    for (const cookie of cookies) expect(await see(cookie, rotating)).toEqual(before.get(cookie))
  })

  it('rule 12: cannot create a session for a token of its own', async () => {
    const forgers: Partial<SessionsOptions<Data>>[] = [
      { secrets: 'none' },
      { secrets: [marker() + marker()] },
      { store: { ...store, inProcess: true } },
    ]
    const real = await keyOf(await begin(({ data }) => void (data['a'] = 1)))
    const keyId = ((await memcached.rawGet(real)) as Buffer).subarray(1, 5)
    for (const options of forgers) {
      const forger = build(options)
      const cookie = await begin(({ data }) => void (data['role'] = 'admin'), forger)
      expect((await see(cookie, forger)).state).toBe('live')
      expect(await see(cookie)).toEqual({ state: 'new', data: {} })
      const key = await keyOf(cookie, forger)
      const bytes = Buffer.from((await memcached.rawGet(key)) as Buffer)
      for (const version of [0, 1, 2]) {
        bytes[0] = version
        bytes.set(keyId, 1)
        await put(key, bytes)
        expect(await see(cookie)).toEqual({ state: 'new', data: {} })
      }
    }
  })

  it('S11: cannot put an ended session back into a list by copying another list', async () => {
    const kept = await begin((session) => session.signIn('kept'))
    const ended = await begin((session) => session.signIn('ended'))
    const sessionKeys: string[] = []
    for (const cookie of [kept, ended]) sessionKeys.push(await keyOf(cookie))
    const before = await dump()
    await sessions.revoke('ended')
    expect((await see(ended)).state).toBe('new')
    const gone = [...before.keys()].filter((key) => !sessionKeys.includes(key))
    expect(gone).toHaveLength(2)
    for (const to of gone) {
      for (const from of gone) {
        if (to === from) continue
        await put(to, before.get(from) as Buffer)
        expect((await see(ended)).state).toBe('new')
      }
    }
  })

  const bombs: readonly [what: string, bytes: Uint8Array][] = [
    ['no bytes', Buffer.alloc(0)],
    [
      '100 bytes of arrays in arrays (CVE-2023-52079, #200)',
      Buffer.from('dd01ffffff'.repeat(20), 'hex'),
    ],
    ['100 bytes of maps', Buffer.from('dfffffffff'.repeat(20), 'hex')],
    ['a string of 4 GB', Buffer.from('dbffffffff', 'hex')],
    ['a megabyte of nesting', Buffer.alloc(1_000_000, 0x91)],
    ['a megabyte of empty maps', Buffer.from(`dd000ffff0${'80'.repeat(1_000_000)}`, 'hex')],
    [
      '__proto__ (CVE-2021-21368)',
      Buffer.from('81a95f5f70726f746f5f5f81a7697341646d696ec3', 'hex'),
    ],
    ['JSON', Buffer.from('{"user":"admin"}')],
    ['a Ruby object', Buffer.from('04087b063a0975736572', 'hex')],
    ['a PHP session', Buffer.from('user|s:5:"admin";')],
    ['a Python pickle', Buffer.from('80049528000000000000008c05706f736978', 'hex')],
    ['a JavaScript value (CVE-2026-22774)', Buffer.from('[["ArrayBuffer",1],{"length":1e9}]')],
  ]
  it.each(bombs)(
    'S43, CVE-2023-52079, CVE-2021-21368, CVE-2026-22774, CVE-2011-4136: does nothing with %s under a key of the core',
    async (_what, bomb) => {
      const cookie = await begin(({ data }) => void (data['a'] = 1))
      const key = await keyOf(cookie)
      const own = (await memcached.rawGet(key)) as Buffer
      const { heapUsed } = process.memoryUsage()
      for (const head of [0, 1, 5, 17]) {
        await put(key, Buffer.concat([own.subarray(0, head), bomb]).subarray(0, 1_000_000))
        expect(await see(cookie)).toEqual({ state: 'new', data: {} })
        const answer = await createVisitor(sessions, cookie).visit(() => {})
        expect(answer).toMatchObject({ status: 200, setCookies: [] })
      }
      expect(process.memoryUsage().heapUsed - heapUsed).toBeLessThan(100_000_000)
      await put(key, own)
      expect((await see(cookie)).state).toBe('live')
    },
  )

  it('rule 12: can put back an older record of the same session, as documented', async () => {
    const visitor = createVisitor(sessions)
    await visitor.visit((session) => {
      session.data['role'] = 'admin'
      session.renew()
    })
    const key = await keyOf(visitor.cookie)
    const older = (await memcached.rawGet(key)) as Buffer
    await visitor.visit(({ data }) => void (data['role'] = 'user'))
    await put(key, older)
    expect(await see(visitor.cookie)).toEqual({ state: 'live', data: { role: 'admin' } })
    await visitor.visit(({ data }) => void (data['role'] = 'user'))
    expect((await see(visitor.cookie)).data).toEqual({ role: 'user' })
  })

  it('rule 12: a record that was put back ends at its absolute end', async () => {
    const cookie = await begin(({ data }) => void (data['role'] = 'admin'))
    const key = await keyOf(cookie)
    const copy = (await memcached.rawGet(key)) as Buffer
    await sessions.destroy(cookie)
    expect((await see(cookie)).state).toBe('new')
    await put(key, copy)
    // The one thing that a writer can do: an ended session comes back for those who have its token.
    expect((await see(cookie)).state).toBe('live')
    ahead = 86_400_000
    expect((await see(cookie)).state).toBe('new')
  })
})
