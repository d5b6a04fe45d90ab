/** Rows of REQUIREMENTS part 2 that no other file of this folder has: published faults of other libraries. */
import { readFileSync, readdirSync } from 'node:fs'
import { createSessions } from '@coatcheck/core'
import type { Session, SessionEvent, Sessions, SessionsOptions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { describe, expect, it } from 'vitest'
import { describeOnAll } from '../backends.ts'
import type { Backend } from '../backends.ts'
import { createGate, createVisitor, increment } from '../visitor.ts'

type Data = Record<string, unknown>
type Act = (session: Session<Data>) => void | Promise<void>

const secrets = ['a secret of thirty-two bytes, or so']

const setUp = (backend: Backend, options: Partial<SessionsOptions<Data>> = {}): Sessions<Data> =>
  createSessions<Data>({
    store: backend.store,
    secrets,
    testing: { now: backend.now },
    ...options,
  })

const renew: Act = (session) => session.renew()
const ends: readonly [what: string, end: Act | 'flush' | 'revoke'][] = [
  ['a logout', (session) => session.destroy()],
  ['a renewal', renew],
  ['a flush', 'flush'],
  ['a revocation', 'revoke'],
]
const slows: readonly [what: string, act: Act][] = [
  ['reads', ({ data }) => void data['counter']],
  ['writes', increment],
  ['deletes a key', ({ data }) => void delete data['counter']],
  ['renews', renew],
  ['is asked for nothing', () => {}],
]

describeOnAll('a long request beside the end of its session', (backend) => {
  it.each(
    ends.flatMap(([what, end]) => slows.map(([does, act]) => [does, what, act, end] as const)),
  )(
    'CVE-2025-46336, CVE-2025-32441, S10: one that %s beside %s brings nothing back, here or on another node',
    async (_does, _what, act, end) => {
      const sessions = setUp(backend)
      const subject = `user-${Math.random()}`
      const visitor = createVisitor(sessions)
      await visitor.visit((session) => {
        increment(session)
        session.signIn(subject)
      })
      const { cookie } = visitor
      const gates = [createGate(), createGate()] as const
      const slow = createVisitor(sessions, cookie)
      const answer = slow.visit(async (session) => {
        await act(session)
        gates[0].open()
        await gates[1].opened
      })
      await gates[0].opened
      if (end === 'flush') await backend.flush()
      else if (end === 'revoke') await sessions.revoke(subject)
      else await visitor.visit(end)
      gates[1].open()
      // A renewal that was not done is a failure; a revocation leaves the record, so it was done.
      const isFailure = act === renew && end !== 'revoke'
      expect((await answer).status).toBe(isFailure ? 503 : 200)
      for (const node of [sessions, setUp(backend, { store: backend.another() })]) {
        for (const each of [cookie, slow.cookie]) {
          expect((await node.open(each)).session.state).toBe('new')
        }
      }
    },
  )
})

describeOnAll('an eviction in the middle of a request', (backend) => {
  it('dalli #1040, S10: leaves the response as it is, and the outcome is gone', async () => {
    const events: SessionEvent[] = []
    const sessions = setUp(backend, { onEvent: (event) => events.push(event) })
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const answer = await visitor.visit(async (session) => {
      increment(session)
      await backend.evict(session.id as string)
    })
    expect(answer).toMatchObject({ status: 200, data: { counter: 2 }, setCookies: [] })
    expect(events.at(-1)).toMatchObject({ type: 'commit', outcome: 'gone' })
  })

  it('fastify-session #348, S7: of five renewals one token works, and a mark of a minute is left by each', async () => {
    const sessions = setUp(backend)
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const size = await backend.size()
    const old: { readonly cookie: string; readonly id: string | null }[] = []
    for (let n = 0; n < 5; n++) {
      await visitor.visit((session) => {
        old.push({ cookie: visitor.cookie, id: session.id })
        session.renew()
      })
    }
    expect(await backend.size()).toBe(size + 5)
    for (const { cookie, id } of old) {
      const ttl = await backend.ttl(id as string)
      if (ttl !== null) expect(ttl).toBeLessThanOrEqual(61)
      expect((await createVisitor(sessions, cookie).visit(() => {})).state).toBe('new')
    }
  })
})

describe('a store on which another writer always saves first', () => {
  it('S32: is tried at most 16 times, then the outcome is conflict, and nothing was written', async () => {
    const records = memoryStore()
    let saves = 0
    const events: SessionEvent[] = []
    const sessions = createSessions<Data>({
      store: { ...records, inProcess: false, save: async () => (saves++, 'conflict' as const) },
      secrets,
      testing: { wait: async () => {} },
      onEvent: (event) => events.push(event),
    })
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const answer = await visitor.visit(increment)
    expect(answer).toMatchObject({ status: 200, setCookies: [] })
    expect(events.at(-1)).toMatchObject({ type: 'commit', outcome: 'conflict', tries: 16 })
    expect(saves).toBe(16)
    expect((await visitor.visit(() => {})).data).toEqual({ counter: 1 })
  })
})

describe('sessions of many visitors in one process', () => {
  it('CVE-2026-40155, GHSA-xg6x-h9c9-2m83: 500 users at once, 4 requests each, and no user sees another’s session', async () => {
    const records = memoryStore()
    let turn = 0
    const pause = async (): Promise<void> => {
      for (let turns = turn++ % 5; turns > 0; turns--) await new Promise(setImmediate)
    }
    const sessions = createSessions<Data>({
      store: {
        load: async (...args) => (await pause(), records.load(...args)),
        create: async (...args) => (await pause(), records.create(...args)),
        save: async (...args) => (
          await pause(),
          records.save(...(args as Parameters<typeof records.save>))
        ),
        delete: async (...args) => (
          await pause(),
          records.delete(...(args as Parameters<typeof records.delete>))
        ),
      },
      secrets,
    })
    const visitors = await Promise.all(
      Array.from({ length: 500 }, async (_, n) => {
        const visitor = createVisitor(sessions)
        await visitor.visit((session) => {
          session.signIn(`user-${n}`)
          session.data['user'] = n
        })
        return visitor
      }),
    )
    expect(new Set(visitors.map(({ cookie }) => cookie)).size).toBe(500)
    let mixed = 0
    await Promise.all(
      visitors.flatMap(({ cookie }, n) =>
        Array.from({ length: 4 }, () =>
          createVisitor(sessions, cookie).visit(async (session) => {
            await pause()
            if (session.data['user'] !== n || session.subject !== `user-${n}`) mixed++
          }),
        ),
      ),
    )
    expect(mixed).toBe(0)
  })
})

describe('cookie options', () => {
  it('CVE-2024-47764, CVE-2026-29086, CVE-2026-56762, S66: nothing breaks out of name, domain or path', () => {
    const bad = [
      ';',
      ',',
      ' ',
      '\t',
      '\r',
      '\n',
      '\0',
      '"',
      '\\',
      'é',
      '\u00a0',
      '\u{1f600}',
      '\x7f',
    ]
    for (const option of ['name', 'domain', 'path'] as const) {
      for (const letter of bad) {
        for (const text of [`/a${letter}b`, `/${letter}`, `/a${letter} Domain=evil.example`]) {
          const value = option === 'path' ? text : text.slice(1)
          const cookie = { name: '__Secure-x', [option]: value }
          expect(() => createSessions({ store: memoryStore(), cookie })).toThrow(`cookie.${option}`)
        }
      }
    }
    for (const path of ['/', '/a', '/a/b.c~d', "/!#$%&'()*+-.:<=>?@[]^_`{|}~"]) {
      const cookie = { name: '__Secure-x', path }
      expect(() => createSessions({ store: memoryStore(), cookie })).not.toThrow()
    }
  })
})

describe('the source of the core', () => {
  const folder = new URL('../../../core/src/', import.meta.url)
  const shipped = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => ({ file, text: readFileSync(new URL(file, folder), 'utf8') }))

  it('CVE-2026-39324: has one way from stored bytes to a record, and it is through the seal', () => {
    const decoders = shipped.filter(({ text }) => /\bcodec\.decode\(/.test(text))
    const names = decoders.map(({ file }) => file).toSorted()
    expect(names).toEqual(['store/sealed-store.ts', 'store/unsealed-record.ts'])
    for (const { text } of decoders) expect(text.match(/\bcodec\.decode\(/g)).toHaveLength(1)
    // What is kept was put there by the sealed store: opened, or sealed in this process.
    const users = shipped.filter(({ text }) =>
      /\brecordCache\??\.set\(|new UnsealedRecord\(/.test(text),
    )
    expect(users.map(({ file }) => file)).toEqual(['store/sealed-store.ts'])
    const store = users[0]?.text.replaceAll(/\s+/g, ' ')
    expect(store?.match(/recordCache\?\.set\(/g)).toHaveLength(1)
    expect(store?.match(/new UnsealedRecord\(/g)).toHaveLength(1)
    // Twice: for what was opened, and for what `seal.seal` gave.
    expect(store?.match(/\bunsealed\(bytes, plain, record\)/g)).toHaveLength(2)
    expect(store?.match(/\bkeep\(address, unsealed\(bytes, plain, record\)\)/g)).toHaveLength(1)
    const sealing =
      'const sealing = seal.seal(address, plain) return isPromise(sealing) ? sealing.then(finish) : finish(sealing)'
    expect(store).toContain(sealing)
    expect(store?.match(/\bseal\.seal\(/g)).toHaveLength(1)
    expect(store?.match(/\bfinish\b/g)).toHaveLength(3)
    const writing =
      /const sealing = sealRecord\(address, record\) const \{ bytes, known \} = isPromise\(sealing\) \? await sealing : sealing/g
    expect(store?.match(writing)).toHaveLength(2)
    expect(store?.match(/\bkeep\(address, known\)/g)).toHaveLength(2)
    expect(store?.match(/\bkeep\(address, /g)).toHaveLength(3)
    const lines = [
      'const plain = address ? await seal.open(address, bytes) : null',
      'if (!address || plain === null) return null',
      'const record = codec.decode(plain)',
    ]
    expect(store).toContain(lines.join(' '))
    const openers = shipped.filter(({ text: each }) => /\bdecodeEntry\b|\blistCodec\b/.test(each))
    expect(openers.map(({ file }) => file).toSorted()).toEqual([
      'sessions/context-per-request.ts',
      'sessions/sessions.ts',
      'store/record-codec.ts',
      'subjects/list-record.ts',
    ])
  })

  it('S4, S31: reads nothing of a request but its Cookie header, its method, its URL and where it came from', () => {
    const read = (isDevice: boolean): ReadonlySet<string | undefined> => {
      const files = shipped.filter(({ file }) => /device/.test(file) === isDevice)
      const code = files.map(({ text }) => text).join()
      return new Set([...code.matchAll(/headers\.get\('([^']+)'\)/g)].map(([, header]) => header))
    }
    // X-Forwarded-Proto is believed with cookie.trustProxy alone (S49); without it, it keeps a warning away.
    const expected = [
      'Cache-Control',
      'Cookie',
      'Origin',
      'Purpose',
      'Sec-Fetch-Site',
      'Sec-Purpose',
      'Vary',
      'X-Forwarded-Proto',
    ]
    expect(read(false)).toEqual(new Set(expected))
    // With the option `deviceBound`: what the browser says of the proof, which is believed once it is verified.
    const ofDevices = [
      'Sec-Fetch-Mode',
      'Sec-Fetch-Site',
      'Sec-Secure-Session-Id',
      'Secure-Session-Response',
      'Secure-Session-Skipped',
    ]
    expect(read(true)).toEqual(new Set(ofDevices))
  })
})
