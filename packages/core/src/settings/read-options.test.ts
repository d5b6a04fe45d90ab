import { afterEach, describe, expect, it, vi } from 'vitest'
import { SessionError } from '../errors.ts'
import type { SessionEvent } from '../events.ts'
import { memoryStore } from '../store/memory-store.ts'
import { sum } from '../rules/resolvers.ts'
import { noSecret } from '../crypto/keyring.ts'
import { lifetimes } from './lifetime-presets.ts'
import { readOptions } from './read-options.ts'
import type { SessionsOptions } from './options.ts'
import { decodeValue, encodeValue } from '../data/value.ts'

const store = memoryStore()
type Case = [what: string, options: unknown, error: string]
/** As long as a secret has to be. */
const long = 'x'.repeat(32)
const noStore = 'store must be a store, and has no'

/** The message of the refusal. */
function refusal(options: unknown): string {
  try {
    readOptions(options as SessionsOptions<object>)
  } catch (error) {
    if (error instanceof SessionError && error.code === 'invalid-option') return error.message
    throw error
  }
  throw new Error('it was not refused')
}

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('the options', () => {
  it('S1: have the documented defaults', () => {
    const settings = readOptions({ store })
    expect(settings).toMatchObject({
      lifetime: { idle: 3_600_000, absolute: 86_400_000, unused: 600_000, rotate: Infinity },
      namespace: 'default',
      sessionsPerSubject: 100,
      maxBytes: 65_536,
      unavailable: 'degrade',
      explain: false,
      schema: null,
    })
    expect(settings.cookie.name).toBe('__Host-Http-sid')
  })

  it('C7: take every preset, and an idle as long as absolute', () => {
    for (const lifetime of [...Object.values(lifetimes), { idle: 60, absolute: 60, rotate: 60 }]) {
      expect(() => readOptions({ store, lifetime })).not.toThrow()
    }
    const { persistent } = readOptions({
      store,
      lifetime: { persistent: lifetimes.aal1, rotate: 60 },
    }).lifetime
    const month = 2_592_000_000
    expect(persistent).toEqual({ idle: month, absolute: month, unused: 600_000, rotate: 60_000 })
    for (const absolute of [5n, Symbol('a'), Object.create(null)]) {
      const wrong = { absolute: absolute as number }
      expect(() => readOptions({ store, lifetime: wrong })).toThrow(/absolute .*whole number/)
    }
    const { lifetime } = readOptions({ store, lifetime: { absolute: 600 } })
    expect(lifetime).toMatchObject({ idle: 600_000, absolute: 600_000 })
  })

  it('S22: warn of a cookie that is shared with subdomains, and of no other', () => {
    const events: SessionEvent[] = []
    const onEvent = (event: SessionEvent): void => void events.push(event)
    for (const cookie of [{}, { path: '/shop' }, { persistent: true }])
      readOptions({ store, cookie, onEvent })
    expect(events).toEqual([])
    readOptions({ store, cookie: { domain: 'shop.example' }, onEvent })
    expect(events).toEqual([
      { type: 'warning', what: expect.stringContaining('cookie.domain shares') },
    ])
  })

  it('S46: take keys that mean a login, and refuse what is no key', () => {
    expect(readOptions({ store }).authKeys).toEqual([])
    expect(readOptions({ store, authKeys: ['user'] }).authKeys).toEqual(['user'])
    expect(refusal({ store, authKeys: 'user' })).toContain('authKeys must be an array of keys')
    expect(refusal({ store, authKeys: [1] })).toContain('authKeys must be an array of keys')
  })

  it('S6: take randomness and the clock from the platform', async () => {
    const { random, now, wait } = readOptions({ store })
    const [first, second] = [new Uint8Array(32), new Uint8Array(32)]
    random(first)
    random(second)
    expect(first).not.toEqual(second)
    expect(first).not.toEqual(new Uint8Array(32))
    expect(now).toBe(Date.now)
    await expect(wait(0)).resolves.toBeUndefined()
  })

  it('are taken as they are given', () => {
    const options = {
      store,
      namespace: 'shop:2',
      lifetime: { idle: 1, absolute: 34_560_000, unused: 2, rotate: 60 },
      sessionsPerSubject: 1,
      cookie: { name: 'x' },
      unavailable: 'throw',
      maxBytes: 1_000_000,
      explain: true,
      onFailure: () => {},
      testing: {
        now: () => 5,
        random: (bytes: Uint8Array) => bytes.fill(1),
        wait: () => Promise.resolve(),
      },
    } as const
    const settings = readOptions(options)
    expect(settings).toMatchObject({
      store,
      namespace: 'shop:2',
      lifetime: { idle: 1000, absolute: 34_560_000_000, unused: 2000, rotate: 60_000 },
      sessionsPerSubject: 1,
      cookie: { name: 'x' },
      unavailable: 'throw',
      maxBytes: 1_000_000,
      explain: true,
    })
    expect(settings.now()).toBe(5)
    expect(settings.onFailure).toBe(options.onFailure)
    expect(settings.random).toBe(options.testing.random)
    expect(settings.wait).toBe(options.testing.wait)
    expect(settings.waitIdly).toBe(options.testing.wait)
  })

  it.each<Case>([
    ['nothing', undefined, 'options must be an object'],
    ['null', null, 'options must be an object'],
    ['text', 'memory', 'options must be an object'],
    ['an unknown option', { store, secret: 'x' }, 'options.secret is no option'],
    ['a misspelt option', { store, lifeTime: {} }, 'options.lifeTime is no option'],
    ['S5: an option that would set ids', { store, generateId: String }, 'options.generateId is no'],
    ['no store', {}, 'store must be a store'],
    ['a store of null', { store: null }, 'store must be a store'],
    ['a store as text', { store: 'memory' }, 'store must be a store'],
    ['a store that is a Map', { store: new Map() }, 'store must be a store, and has no load()'],
    ['a store without load', { store: { ...bare(), load: 1 } }, `${noStore} load()`],
    ['a store without create', { store: { ...bare(), create: null } }, `${noStore} create()`],
    ['a store without save', { store: { ...bare(), save: undefined } }, `${noStore} save()`],
    ['a store without delete', { store: { ...bare(), delete: {} } }, `${noStore} delete()`],
    ['an empty namespace', { store, namespace: '' }, 'namespace must be'],
    ['a namespace with a space', { store, namespace: 'a b' }, 'namespace must be'],
    ['a namespace with NUL', { store, namespace: 'a\0b' }, 'namespace must be'],
    ['a namespace with a line', { store, namespace: 'a\n' }, 'namespace must be'],
    ['a namespace beyond ASCII', { store, namespace: 'é' }, 'namespace must be'],
    ['a namespace too long', { store, namespace: 'a'.repeat(65) }, 'namespace must be'],
    ['a namespace that is a number', { store, namespace: 7 }, 'namespace must be'],
    ['a cookie that is no object', { store, cookie: 'sid' }, 'cookie must be an object'],
    ['a cookie option', { store, cookie: { sameSite: 'never' } }, 'cookie.sameSite must be'],
    ['a lifetime that is a number', { store, lifetime: 60 }, 'lifetime must be an object'],
    ['a lifetime of null', { store, lifetime: null }, 'lifetime must be an object'],
    ['a misspelt lifetime', { store, lifetime: { idel: 60 } }, 'lifetime.idel is no option'],
    ['S1: an absolute of Infinity', { store, lifetime: { absolute: Infinity } }, 'lifetime.abs'],
    ['S65: an absolute of 401 days', { store, lifetime: { absolute: 34_646_400 } }, 'lifetime.abs'],
    ['S65: a second too much', { store, lifetime: { idle: 34_560_001 } }, 'lifetime.idle'],
    ['S65: an idle of NaN', { store, lifetime: { idle: Number.NaN } }, 'lifetime.idle'],
    ['S65: an idle of a fraction', { store, lifetime: { idle: 1.5 } }, 'lifetime.idle'],
    ['S65: an idle of 0', { store, lifetime: { idle: 0 } }, 'lifetime.idle'],
    ['S65: a negative idle', { store, lifetime: { idle: -60 } }, 'lifetime.idle'],
    ['S65: an idle as text', { store, lifetime: { idle: '60' } }, 'lifetime.idle'],
    ['S65: an idle of 1e21', { store, lifetime: { idle: 1e21 } }, 'lifetime.idle'],
    ['an idle as bigint', { store, lifetime: { idle: 60n } }, 'lifetime.idle'],
    ['an anonymous of 0', { store, lifetime: { unused: 0 } }, 'lifetime.unused'],
    ['an anonymous of a fraction', { store, lifetime: { unused: 0.5 } }, 'lifetime.unused'],
    [
      'C7: an idle of 30 days and the default absolute of one day',
      { store, lifetime: { idle: 2_592_000 } },
      'lifetime.idle (2592000 seconds) is longer than lifetime.absolute (86400, its default), which ends the session ' +
        'first: write lifetime: { idle: 2592000, absolute: 2592000 } or a longer absolute',
    ],
    [
      'C7: an idle that is a second longer than absolute',
      { store, lifetime: { idle: 61, absolute: 60 } },
      'lifetime.idle (61 seconds) is longer than lifetime.absolute (60)',
    ],
    [
      'C7: a rotate that no token lives to see',
      { store, lifetime: { rotate: 86_401 } },
      'lifetime.rotate (86401 seconds) is longer than lifetime.absolute (86400, its default)',
    ],
    [
      'an idle of the remembered that is longer than their absolute',
      { store, lifetime: { persistent: { idle: 61, absolute: 60 } } },
      'lifetime.persistent.idle is longer than its absolute',
    ],
    [
      'the remembered without an absolute',
      { store, lifetime: { persistent: { idle: 60 } as never } },
      'lifetime.persistent.absolute (seconds) must be',
    ],
    [
      'a rotate of the remembered',
      { store, lifetime: { persistent: { absolute: 60, rotate: 60 } as never } },
      'lifetime.persistent',
    ],
    ['a migration without a version', { store, migrate: { up() {} } as never }, 'migrate.version'],
    ['a migration to 0', { store, migrate: { version: 0, up() {} } }, 'migrate.version'],
    [
      'a migration from 0 that reads 0 alone',
      { store, migrate: { version: 0, reads: 0, up() {} } },
      'migrate.reads',
    ],
    ['a migration without a function', { store, migrate: { version: 1 } as never }, 'migrate.up'],
    [
      'a migration that reads less than it writes',
      { store, migrate: { version: 2, reads: 1, up() {} } },
      'migrate.reads',
    ],
    [
      'a migration with a misspelt option',
      { store, migrate: { version: 1, up() {}, down() {} } as never },
      'migrate.down is no option',
    ],
    [
      'a former cookie that is the present one',
      { store, cookie: { former: [{ name: '__Host-Http-sid' }] } },
      'cookie.former[0].name is the present name',
    ],
    [
      'a former cookie without a name',
      { store, cookie: { former: [{} as never] } },
      'cookie.former[0].name',
    ],
    [
      'a former cookie that no browser would take',
      { store, cookie: { former: [{ name: '__Host-sid', domain: 'example.com' }] } },
      'cookie.name',
    ],
    [
      'a former cookie with a misspelt attribute',
      { store, cookie: { former: [{ name: 'sid', Path: '/' } as never] } },
      'cookie.former[0].Path',
    ],
    [
      'former cookies that are no list',
      { store, cookie: { former: 'sid' as never } },
      'cookie.former',
    ],
    ['a rotate below a minute', { store, lifetime: { rotate: 59 } }, 'lifetime.rotate'],
    ['a rotate of Infinity', { store, lifetime: { rotate: Infinity } }, 'lifetime.rotate'],
    ['S2: no session at all', { store, sessionsPerSubject: 0 }, 'sessionsPerSubject must be'],
    ['S2: sessions without end', { store, sessionsPerSubject: 1001 }, 'sessionsPerSubject must be'],
    ['no secrets in the list', { store, secrets: [] }, 'secrets must be an array'],
    ['a secret alone', { store, secrets: 'x'.repeat(32) }, 'secrets must be an array'],
    ['a secret too short', { store, secrets: ['x'.repeat(31)] }, 'secrets[0] must be text of 32'],
    ['a second secret too short', { store, secrets: ['x'.repeat(32), ''] }, 'secrets[1] must be'],
    ['a secret that is missing', { store, secrets: [undefined] }, 'secrets[0] must be text of 32'],
    ...[` ${long}`, `${long}\n`, `${long}\r`, `"${long}`, `${long}'`].map((text): Case => [
      `a secret as a file may have it, ${JSON.stringify(text)}`,
      { store, secrets: ['y'.repeat(32), text] },
      'secrets[1] must be text of 32 bytes or more, without a blank or quote at an end',
    ]),
    ['a secret in bytes', { store, secrets: [new Uint8Array(32)] }, 'secrets[0] must be text'],
    ['one secret twice', { store, secrets: ['x'.repeat(32), 'x'.repeat(32)] }, 'secrets has one'],
    ['a merge of null', { store, merge: null }, 'merge must be an object or function'],
    ['a merge as text', { store, merge: 'sum' }, 'merge must be an object or function'],
    ['a resolver that is text', { store, merge: { n: 'sum' } }, 'merge.n must be a function'],
    [
      'a schema that is not a Standard Schema',
      { store, schema: { parse: Object } },
      'schema must be a Standard',
    ],
    ['a schema as text', { store, schema: 'visitor' }, 'schema must be a Standard Schema'],
    ['a listener that is an object', { store, onEvent: {} }, 'onEvent must be a function'],
    ['a misspelt unavailable', { store, unavailable: 'fail' }, "unavailable must be 'degrade' or"],
    ['S82: a maxBytes too small', { store, maxBytes: 255 }, 'maxBytes must be a whole number'],
    ['S82: a maxBytes too large', { store, maxBytes: 1_000_001 }, 'maxBytes must be a whole'],
    ['a maxBytes as text', { store, maxBytes: '64k' }, 'maxBytes must be a whole number'],
    ['an explain that is no boolean', { store, explain: 'yes' }, 'explain must be true or false'],
    ['an onFailure that is a number', { store, onFailure: 503 }, 'onFailure must be a function'],
    ['a testing that is text', { store, testing: 'fake' }, 'testing must be an object'],
    ['a misspelt testing', { store, testing: { clock: Date.now } }, 'testing.clock is no option'],
    ['a clock outside testing', { store, now: Date.now }, 'options.now is no option'],
    ['a clock that is a number', { store, testing: { now: 5 } }, 'testing.now must be a function'],
    ['a random that is a number', { store, testing: { random: 4 } }, 'testing.random must be a'],
    ['a wait that is a number', { store, testing: { wait: 10 } }, 'testing.wait must be a'],
  ])('refuse %s, by name', (_what, options, message) => {
    expect(refusal(options)).toContain(`createSessions: ${message}`)
  })

  it('S20: refuse plain http where NODE_ENV is production', () => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(refusal({ store, cookie: { plainHttp: true } })).toContain('cookie.plainHttp')
    expect(readOptions({ store }).cookie.name).toBe('__Host-Http-sid')
    vi.stubEnv('NODE_ENV', 'test')
    expect(readOptions({ store, cookie: { plainHttp: true } }).cookie.name).toBe('sid')
  })

  it('S35: never show a secret that they refuse', () => {
    const secret = 'hunter2-hunter2'
    expect(refusal({ store, secrets: [secret] })).not.toContain(secret)
    const longer = secret.repeat(3)
    expect(refusal({ store, secrets: [longer, longer] })).not.toContain(secret)
    expect(refusal({ store, secrets: [`${longer} `] })).not.toContain(secret)
  })

  it('count the length of a secret in bytes, not in characters', async () => {
    const { keyring } = readOptions({ store, secrets: ['é'.repeat(16), 'x'.repeat(32)] })
    expect(await keyring.authenticate(new Uint8Array(1))).toHaveLength(2)
  })

  it('rule 12: demand secrets in production for a store outside the process', async () => {
    const outside = bare() as unknown as typeof store
    vi.stubEnv('NODE_ENV', 'production')
    expect(refusal({ store: outside })).toContain('createSessions: secrets is missing')
    expect(refusal({ store: { ...outside, inProcess: false } })).toContain('secrets is missing')
    const { keyring } = readOptions({ store: outside, secrets: 'none' })
    expect(await keyring.newest()).toBe(noSecret)
    expect(await readOptions({ store }).keyring.newest()).toBe(noSecret)
    vi.stubEnv('NODE_ENV', 'development')
    const heard: SessionEvent[] = []
    readOptions({ store: outside, onEvent: (event) => heard.push(event) })
    const what: unknown = expect.stringContaining('secrets is missing')
    expect(heard).toEqual([{ type: 'warning', what }])
  })

  it('say nothing where nothing is weak', () => {
    const heard: SessionEvent[] = []
    const onEvent = (event: SessionEvent): void => void heard.push(event)
    const outside = bare() as unknown as typeof store
    readOptions({ store, onEvent })
    readOptions({ store: outside, secrets: 'none', onEvent })
    readOptions({ store: outside, secrets: ['x'.repeat(32)], onEvent })
    expect(heard).toEqual([])
  })

  it('rule 12: seal for every store outside the process, and for none inside', async () => {
    const address = { id: 'id', keyMaterial: 'A'.repeat(43) }
    const plain = Uint8Array.of(1, 2, 3)
    expect(await readOptions({ store }).seal.seal(address, plain)).toEqual(plain)
    const outside = bare() as unknown as typeof store
    const { seal } = readOptions({ store: outside, secrets: ['x'.repeat(32)] })
    const sealed = await seal.seal(address, plain)
    expect(sealed.length).toBeGreaterThan(plain.length + 28)
    expect(await seal.open(address, sealed)).toEqual(plain)
  })

  it('settle a key by its resolver, and any other by the later save', () => {
    const { settle } = readOptions({ store, merge: { visits: sum } })
    const contest = { base: block(1), ours: block(3), theirs: block(11) }
    expect(value(settle('visits', contest))).toBe(13)
    expect(settle('other', contest)).toBe(contest.ours)
    expect(settle('constructor', contest)).toBe(contest.ours)
    expect(settle('__proto__', contest)).toBe(contest.ours)
  })

  it('take a function of the key instead of a resolver for each', () => {
    const merge = (key: string) => (key.startsWith('count:') ? sum : undefined)
    const { settle } = readOptions({ store, merge })
    const contest = { base: block(1), ours: block(3), theirs: block(11) }
    expect(value(settle('count:a', contest))).toBe(13)
    expect(settle('a', contest)).toBe(contest.ours)
  })

  it('round a clock with fractions down, for which a record has no room', () => {
    expect(readOptions({ store, testing: { now: () => 5.75 } }).now()).toBe(5)
  })

  it('pass events on, and let no listener break a request', () => {
    const heard: string[] = []
    const { onEvent } = readOptions({
      store,
      onEvent: ({ type }) => {
        heard.push(type)
        throw new Error('the logger is broken')
      },
    })
    onEvent({ type: 'token.malformed' })
    expect(heard).toEqual(['token.malformed'])
    expect(() => readOptions({ store }).onEvent({ type: 'token.malformed' })).not.toThrow()
  })
})

/** A store of which one method can be spoilt. */
function bare(): Record<string, unknown> {
  const method = (): void => {}
  return { load: method, create: method, save: method, delete: method }
}

function block(of: number): Uint8Array {
  return encodeValue('k', of)
}

function value(of: Uint8Array | undefined): unknown {
  return of && decodeValue('k', of)
}
