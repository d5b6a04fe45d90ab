import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { BoundBrowser } from '../../test/fakes/bound-browser.ts'
import { createDevice, encode, signToken } from '../../test/fakes/software-device.ts'
import type { DeviceRefusal } from '../rules/device-mode.ts'
import type { SessionEvent } from '../events.ts'
import { createSessions } from '../sessions/sessions.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { SessionsOptions } from '../settings/options.ts'
import { memoryStore } from '../store/memory-store.ts'
import { deviceBound } from './device-options.ts'
import { longestProof } from './proof.ts'

function setUp(more: Partial<SessionsOptions<object>> = {}): {
  readonly browser: BoundBrowser
  readonly sessions: Sessions<object>
  readonly events: SessionEvent[]
  readonly pass: (seconds: number) => void
} {
  let clock = 1_700_000_000_000
  const now = (): number => clock
  const events: SessionEvent[] = []
  const sessions = createSessions({
    store: memoryStore({ now }),
    deviceBound: deviceBound({ mode: 'require' }),
    onEvent: (event) => void events.push(event),
    testing: { now },
    ...more,
  }) as Sessions<object>
  const pass = (seconds: number): void => void (clock += seconds * 1000)
  return { browser: new BoundBrowser(sessions), sessions, events, pass }
}

type Vector = [reason: DeviceRefusal, what: string, prove: (challenge: string) => string]

const { privateKey: p256, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = publicKey.export({ format: 'jwk' })
const { privateKey: p384, publicKey: public384 } = generateKeyPairSync('ec', {
  namedCurve: 'P-384',
})
const { privateKey: k1, publicKey: publicK1 } = generateKeyPairSync('ec', {
  namedCurve: 'secp256k1',
})
const { privateKey: small, publicKey: publicSmall } = generateKeyPairSync('rsa', {
  modulusLength: 1024,
})
const { privateKey: cubic, publicKey: publicCubic } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicExponent: 3,
})
const { privateKey: rsa, publicKey: publicRsa } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
})

const typ = 'dbsc+jwt'
const es256 = (challenge: string, header: object = {}, claims: object = {}): string =>
  signToken({ alg: 'ES256', typ, jwk, ...header }, { jti: challenge, ...claims }, p256)

/** What neither a registration nor a refresh takes, whatever else it has right. */
const malformed: Vector[] = [
  [
    'too-long',
    `more than ${longestProof} characters`,
    (jti) => es256(jti, { x: 'x'.repeat(4096) }),
  ],
  ['malformed', 'no text', () => ''],
  ['malformed', 'two parts', (jti) => es256(jti).split('.').slice(0, 2).join('.')],
  ['malformed', 'four parts', (jti) => `${es256(jti)}.x`],
  ['malformed', 'padding', (jti) => `${es256(jti)}=`],
  ['malformed', 'another alphabet', (jti) => es256(jti).replace(/.$/, '+')],
  ['malformed', 'no JSON', (jti) => es256(jti).replace(/^[^.]+/, 'e30x')],
  ['malformed', 'a list for a header', (jti) => es256(jti).replace(/^[^.]+/, encode([]))],
  ['malformed', 'null for claims', (jti) => es256(jti).replace(/\.[^.]+\./, '.bnVsbA.')],
  ['malformed', 'no challenge', () => signToken({ alg: 'ES256', typ, jwk }, {}, p256)],
  ['malformed', 'a number for a challenge', () => es256('', {}, { jti: 1 })],
  ['malformed', 'a header that must be understood', (jti) => es256(jti, { crit: ['exp'] })],
  ['malformed', 'an audience that is no text', (jti) => es256(jti, {}, { aud: 1 })],
  ['type', 'another type', (jti) => es256(jti, { typ: 'JWT' })],
  ['type', 'no type', (jti) => es256(jti, { typ: undefined })],
  ['algorithm', 'none', (jti) => `${encode({ alg: 'none', typ, jwk })}.${encode({ jti })}.`],
  ['algorithm', 'HS256, with the public key as its secret', (jti) => hs256(jti)],
  ['algorithm', 'ES384', (jti) => signToken({ alg: 'ES384', typ, jwk }, { jti }, p384)],
  ['algorithm', 'no algorithm', (jti) => es256(jti, { alg: undefined })],
  ['algorithm', 'a name of an object', (jti) => es256(jti, { alg: 'constructor' })],
  ['audience', 'another address', (jti) => es256(jti, {}, { aud: 'https://app.example/else' })],
  ['audience', 'no address', (jti) => es256(jti, {}, { aud: 'app' })],
]

function hs256(jti: string): string {
  const text = `${encode({ alg: 'HS256', typ, jwk })}.${encode({ jti })}`
  const secret = publicKey.export({ format: 'pem', type: 'spki' })
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

const keys: Vector[] = [
  ['key', 'no key', (jti) => es256(jti, { jwk: undefined })],
  ['key', 'a text for a key', (jti) => es256(jti, { jwk: 'x' })],
  ['key', 'a private key', (jti) => es256(jti, { jwk: p256.export({ format: 'jwk' }) })],
  [
    'key',
    'a key of P-384 that says ES256',
    (jti) =>
      signToken({ alg: 'ES256', typ, jwk: public384.export({ format: 'jwk' }) }, { jti }, p384),
  ],
  [
    'key',
    'a key of secp256k1 that says P-256',
    (jti) =>
      signToken(
        { alg: 'ES256', typ, jwk: { ...publicK1.export({ format: 'jwk' }), crv: 'P-256' } },
        { jti },
        k1,
      ),
  ],
  ['key', 'a point that is not on the curve', (jti) => es256(jti, { jwk: { ...jwk, y: jwk.x } })],
  ['key', 'a coordinate that is too short', (jti) => es256(jti, { jwk: { ...jwk, x: 'AA' } })],
  [
    'key',
    'RSA of 1024 bits',
    (jti) =>
      signToken({ alg: 'RS256', typ, jwk: publicSmall.export({ format: 'jwk' }) }, { jti }, small),
  ],
  [
    'key',
    'RSA with the exponent 3',
    (jti) =>
      signToken({ alg: 'RS256', typ, jwk: publicCubic.export({ format: 'jwk' }) }, { jti }, cubic),
  ],
  [
    'key',
    'a key of RSA that says ES256',
    (jti) => es256(jti, { jwk: publicRsa.export({ format: 'jwk' }) }),
  ],
  [
    'signature',
    'the signature of another key',
    (jti) => signToken({ alg: 'ES256', typ, jwk: createDevice().jwk }, { jti }, p256),
  ],
  ['signature', 'no signature', (jti) => es256(jti).replace(/[^.]+$/, '')],
  [
    'signature',
    'other claims',
    (jti) => es256(jti).replace(/\.[^.]+\./, `.${encode({ jti, a: 1 })}.`),
  ],
]

describe('a registration', () => {
  it.each([...malformed, ...keys])('refuses, as %s: %s', async (reason, _what, prove) => {
    const { browser, events } = setUp()
    await browser.signIn()
    const challenge = /challenge="([^"]+)"/.exec(browser.offer as string)?.[1] as string
    const refused = await browser.register(prove(challenge))
    expect([refused.status, await refused.text()]).toEqual([
      403,
      `Device binding refused: ${reason}\n`,
    ])
    expect(events.at(-1)).toMatchObject({ type: 'device.refused', use: 'registration', reason })
    expect((await browser.register()).status).toBe(200)
  })

  it('refuses one without a proof, a session, an offer, or in time', async () => {
    const { browser, pass } = setUp()
    const reasonOf = async (answer: Promise<Response>): Promise<string> =>
      ((await (await answer).text()).split(': ')[1] as string).trim()
    expect(await reasonOf(browser.register())).toBe('not-offered')
    await browser.visit((session) => session.signIn('ada', { deviceBound: false }))
    expect(await reasonOf(browser.register())).toBe('not-offered')
    await browser.signIn()
    expect(await reasonOf(browser.post('register', {}))).toBe('no-proof')
    pass(301)
    expect(await reasonOf(browser.register())).toBe('challenge-expired')
  })

  it('takes the challenge of its own sign-in alone, and once', async () => {
    const { browser, sessions } = setUp()
    const other = new BoundBrowser(sessions)
    await browser.signIn()
    await other.signIn()
    const foreign = await browser.register(other.registrationProof())
    expect(await foreign.text()).toContain('challenge-foreign')
    expect((await browser.register()).status).toBe(200)
    const own = browser.device
    browser.device = createDevice()
    expect(await (await browser.register()).text()).toContain('already-registered')
    browser.device = own
    // Nor is it one for a refresh.
    const challenge = /challenge="([^"]+)"/.exec(browser.offer as string)?.[1] as string
    const refused = await browser.refreshWith(browser.device.prove(challenge))
    expect(await refused.text()).toContain('challenge-foreign')
  })

  it('of two registrations at the same time one counts', async () => {
    const { browser } = setUp()
    await browser.signIn()
    const first = browser.registrationProof()
    browser.device = createDevice()
    const second = browser.registrationProof()
    const answers = await Promise.all([browser.register(first), browser.register(second)])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 403])
  })

  it('is answered again while its key has given no proof: the first answer may have been lost', async () => {
    const { browser, events } = setUp()
    await browser.signIn()
    const proof = browser.registrationProof()
    const [lost, again] = [await browser.register(proof), await browser.register(proof)]
    expect(await again.json()).toEqual(await lost.json())
    expect([lost.status, again.status]).toEqual([200, 200])
    await browser.refreshIfDue()
    expect(await browser.visit(({ device }) => device)).toBe('bound')
    expect(await (await browser.register(proof)).text()).toContain('already-registered')
    expect(browser.cookies.has('__Host-sid-bound')).toBe(true)
    expect(events.filter(({ type }) => type === 'device.bound')).toHaveLength(1)
  })

  it.each([
    'https://app.example/device-bound/register',
    ['https://behind.a.proxy/device-bound/register'],
  ])('takes the audience %j, which the first drafts had', async (aud) => {
    const { browser } = setUp()
    await browser.signIn()
    const challenge = /challenge="([^"]+)"/.exec(browser.offer as string)?.[1] as string
    const proof = browser.device.prove(challenge, {
      header: { jwk: browser.device.jwk },
      claims: { aud, iat: 0 },
    })
    expect((await browser.register(proof)).status).toBe(200)
  })

  it('takes a proof in quotes, as the specification has it', async () => {
    const { browser } = setUp()
    await browser.signIn()
    expect((await browser.register(`"${browser.registrationProof()}"`)).status).toBe(200)
    await browser.refresh()
    const proof = browser.device.prove(browser.challenge as string)
    expect((await browser.refreshWith(`"${proof}";a=1`)).status).toBe(200)
  })
})

describe('a refresh', () => {
  it.each(malformed)('refuses, as %s: %s', async (reason, _what, prove) => {
    const { browser, events } = setUp()
    await browser.bind()
    const refused = await browser.refreshWith(prove(browser.challenge as string))
    expect([refused.status, await refused.text()]).toEqual([
      400,
      `Device binding refused: ${reason}\n`,
    ])
    expect(refused.headers.getSetCookie()).toEqual([])
    expect(events.at(-1)).toMatchObject({ type: 'device.refused', use: 'refresh', reason })
    expect((await browser.refresh()).status).toBe(200)
  })

  it.each<Vector>([
    ['signature', 'a proof of another key', (jti) => es256(jti)],
    [
      'algorithm',
      'RS256 where the key is of ES256',
      (jti) => signToken({ alg: 'RS256', typ }, { jti }, rsa),
    ],
  ])('refuses, as %s: %s, whatever key it brings', async (reason, _what, prove) => {
    const { browser } = setUp()
    await browser.bind()
    const refused = await browser.refreshWith(prove(browser.challenge as string))
    expect(await refused.text()).toBe(`Device binding refused: ${reason}\n`)
  })

  it("refuses another session's key, and another session's challenge", async () => {
    const { browser, sessions } = setUp()
    const other = new BoundBrowser(sessions)
    await browser.bind()
    await other.bind()
    const key = await browser.refreshWith(other.device.prove(browser.challenge as string))
    expect(await key.text()).toContain('signature')
    const challenge = await browser.refreshWith(browser.device.prove(other.challenge as string))
    expect([challenge.status, await challenge.text()]).toEqual([
      403,
      'Device binding refused: challenge-foreign\n',
    ])
    expect(challenge.headers.get('Secure-Session-Challenge')).toMatch(
      new RegExp(`^"[\\w.-]+";id="${browser.sessionId}"$`),
    )
  })

  it('refuses a challenge that was used, made up, changed, too old, or too far ahead', async () => {
    const { browser, pass } = setUp()
    await browser.bind()
    const first = browser.challenge as string
    const reasonOf = async (challenge: string): Promise<string> => {
      const refused = await browser.refreshWith(browser.device.prove(challenge))
      expect(refused.status).toBe(403)
      return ((await refused.text()).split(': ')[1] as string).trim()
    }
    await browser.refresh()
    expect(await reasonOf(first)).toBe('challenge-used')
    const current = browser.challenge as string
    const [madeAt, proofs, mac] = current.split('.') as [string, string, string]
    expect(await reasonOf('')).toBe('challenge-foreign')
    expect(await reasonOf(`${madeAt}.${proofs}.${randomBytes(32).toString('base64url')}`)).toBe(
      'challenge-foreign',
    )
    const later = (parseInt(madeAt, 36) + 1).toString(36)
    expect(await reasonOf(`${later}.${proofs}.${mac}`)).toBe('challenge-foreign')
    expect(await reasonOf(`0${madeAt}.${proofs}.${mac}`)).toBe('challenge-foreign')
    pass(901)
    expect(await reasonOf(current)).toBe('challenge-expired')
    pass(100)
    expect((await browser.refresh()).status).toBe(200)
  })

  it('clock skew: takes a challenge of a server that is a minute ahead, and replaces one that is further', async () => {
    const { browser, pass } = setUp()
    await browser.bind()
    pass(-60)
    expect(
      (await browser.refreshWith(browser.device.prove(browser.challenge as string))).status,
    ).toBe(200)
    pass(-61)
    const refused = await browser.refreshWith(browser.device.prove(browser.challenge as string))
    expect(await refused.text()).toContain('challenge-early')
    expect((await browser.refresh()).status).toBe(200)
  })

  it('asking for challenges does not displace the one that the browser has', async () => {
    const { browser } = setUp()
    await browser.bind()
    const { challenge } = browser
    const thief = browser.steal()
    for (let at = 0; at < 20; at++) expect((await thief.refreshWith(null)).status).toBe(403)
    expect((await browser.refreshWith(browser.device.prove(challenge as string))).status).toBe(200)
  })

  it('tells a page nothing: only a browser can name the session', async () => {
    const { browser, events } = setUp()
    await browser.bind()
    const answer = await browser.post('refresh', {})
    expect([answer.status, answer.headers.get('Secure-Session-Challenge')]).toEqual([403, null])
    expect(events.at(-1)).toMatchObject({ reason: 'no-session-id', idPrefix: null })
    expect(answer.headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin')
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store')
  })

  it.each([
    ['the last of 33', (own: string) => `${planted(32)}${own}`],
    ['one that is no token', () => 'sid=planted'],
    ['one that is no token, of before', () => 'former=planted'],
  ])(
    'does not end the tie of a session that may live on: its cookie came as %s',
    async (_what, plant) => {
      const { browser, sessions } = setUp({
        cookie: { name: 'sid', former: [{ name: 'former' }] },
      })
      await browser.bind()
      const { url, headers } = browser.request('/device-bound/refresh')
      const planted = new Request(url, {
        method: 'POST',
        headers: {
          Cookie: plant(headers.get('Cookie') as string),
          'Sec-Secure-Session-Id': `"${browser.sessionId}"`,
        },
      })
      const refused = await sessions.deviceBinding(planted)
      expect([refused?.status, refused?.headers.get('Retry-After')]).toEqual([503, '1'])
      browser.cookies.delete('sid-bound')
      await browser.refreshIfDue()
      expect(await browser.visit(({ device }) => device)).toBe('bound')
    },
  )

  it.each([
    ['one', 1],
    ['31', 31],
  ])(
    'refreshes, and registers, a session whose cookie comes behind %s of another',
    async (_what, count) => {
      const { browser, sessions, events } = setUp({ cookie: { name: 'sid' } })
      const eve = new BoundBrowser(sessions)
      await eve.bind('eve')
      const plant = (step: string, headers: Record<string, string>): Promise<Response | null> => {
        const { url, headers: own } = browser.request(`/device-bound/${step}`)
        const Cookie = `${planted(count - 1)}sid=${eve.cookies.get('sid')}; ${own.get('Cookie')}`
        return sessions.deviceBinding(
          new Request(url, { method: 'POST', headers: { Cookie, ...headers } }),
        )
      }
      await browser.signIn()
      const proof = { 'Secure-Session-Response': browser.registrationProof() }
      const registered = (await plant('register', proof)) as Response
      const { session_identifier: id } = (await registered.clone().json()) as Record<string, string>
      browser.keep(registered)
      const refreshed = await plant('refresh', {
        'Sec-Secure-Session-Id': `"${id}"`,
        'Secure-Session-Response': browser.device.prove(browser.challenge as string),
      })
      browser.keep(refreshed as Response)
      expect([registered.status, refreshed?.status]).toEqual([200, 200])
      expect(await browser.visit(({ device, subject }) => `${device} ${subject}`)).toBe('bound ada')
      expect(events.filter(({ type }) => type === 'device.refused')).toEqual([])
    },
  )

  it('of several cookies none is right without the name of its session, or its challenge', async () => {
    const { browser, sessions } = setUp({ cookie: { name: 'sid' } })
    await browser.bind()
    const eve = new BoundBrowser(sessions)
    await eve.bind('eve')
    const { url, headers } = browser.request('/device-bound/refresh')
    const Cookie = `sid=${eve.cookies.get('sid')}; ${headers.get('Cookie')}`
    const statusOf = async (step: string, more: Record<string, string>): Promise<unknown> => {
      const asked = new Request(url.replace('refresh', step), {
        method: 'POST',
        headers: { Cookie, ...more },
      })
      return (await sessions.deviceBinding(asked))?.status
    }
    expect(await statusOf('refresh', { 'Sec-Secure-Session-Id': '"other"' })).toBe(503)
    expect(await statusOf('register', {})).toBe(503)
    const foreign = { 'Secure-Session-Response': browser.device.prove('foreign') }
    expect(await statusOf('register', foreign)).toBe(503)
  })

  it.each([
    ['a session that has ended', `__Host-Http-sid=${'A'.repeat(43)}`],
    ['no session', ''],
  ])('ends the tie of %s', async (_what, Cookie) => {
    const { browser, sessions } = setUp()
    await browser.bind()
    const headers = { Cookie, 'Sec-Secure-Session-Id': `"${browser.sessionId}"` }
    const url = browser.request('/device-bound/refresh').url
    const ended = await sessions.deviceBinding(new Request(url, { method: 'POST', headers }))
    expect([ended?.status, await ended?.json()]).toEqual([200, { continue: false }])
  })

  it('is a POST, and comes over https', async () => {
    const { browser, sessions } = setUp()
    await browser.bind()
    const get = await sessions.deviceBinding(browser.request('/device-bound/refresh'))
    expect([get?.status, get?.headers.get('Allow')]).toEqual([405, 'POST'])
    const plain = createSessions({
      store: memoryStore(),
      cookie: { plainHttp: true },
      deviceBound: deviceBound(),
    })
    const insecure = new Request('http://localhost/device-bound/refresh', {
      method: 'POST',
      headers: { 'Sec-Secure-Session-Id': '"x"' },
    })
    const refused = await plain.deviceBinding(insecure)
    expect([refused?.status, await refused?.text()]).toEqual([
      503,
      'Device binding refused: insecure\n',
    ])
  })
})

/** Cookies that a sibling domain has set, each with a token. */
function planted(count: number): string {
  const tokens = Array.from({ length: count }, (_, at) => String(at).padStart(43, 'A'))
  return tokens.map((token) => `sid=${token}; `).join('')
}

it('finds the right bound cookie behind those that a sibling domain has planted', async () => {
  const { browser, sessions } = setUp({ cookie: { name: 'sid' } })
  await browser.bind()
  const cookies = browser.request('/').headers.get('Cookie') as string
  const standingAfter = async (count: number): Promise<string> => {
    const planted = Array.from({ length: count }, (_, at) => `sid-bound=planted${at}; `)
    return (await sessions.open(`${planted.join('')}${cookies}`)).session.device
  }
  expect([await standingAfter(1), await standingAfter(2), await standingAfter(20)]).toEqual([
    'bound',
    'bound',
    'bound',
  ])
  // Each of them may cost a MAC.
  expect(await standingAfter(200)).toBe('stale')
})

describe('the options', () => {
  const store = memoryStore()
  const policyOf = (options: object, cookie: object = {}): unknown => {
    const sessions = createSessions({
      store,
      namespace: 'options',
      cookie,
      deviceBound: deviceBound(options),
      onEvent() {},
    })
    return sessions.describePolicy().deviceBound
  }

  it('have the safe defaults, and describePolicy tells them', () => {
    expect(policyOf({})).toEqual({ mode: 'prefer', lifetime: 600 })
    expect(policyOf({ mode: 'require', lifetime: 300 })).toEqual({ mode: 'require', lifetime: 300 })
    const { deviceBound: none } = createSessions({ store, namespace: 'options' }).describePolicy()
    expect(none).toBeNull()
  })

  it.each<[options: object, cookie: object, message: string]>([
    [{ mode: 'enforce' }, {}, 'deviceBound.mode must be observe, prefer, require'],
    [{ lifetime: 1 }, {}, 'deviceBound.lifetime (seconds) must be a whole number from 2 to 3600'],
    [{ lifetime: 3601 }, {}, 'must be a whole number from 2 to 3600'],
    [{ path: 'device' }, {}, 'deviceBound.path must begin with /'],
    [{ path: '/a"b' }, {}, 'deviceBound.path must begin with /'],
    [{ path: '/device/' }, {}, 'deviceBound.path must begin with /'],
    [{ path: '/other' }, { path: '/app' }, 'must be below cookie.path: try /app/device-bound'],
    [{ modes: 1 }, {}, 'deviceBound.modes is no option'],
    [
      {},
      { domain: 'app.example' },
      "deviceBound.registeringOrigins must list the origins where visitors sign in, such as ['https://app.example', 'https://www.app.example']: cookie.domain is set",
    ],
    [{ registeringOrigins: [] }, { domain: 'app.example' }, 'must list the origins'],
    [{ registeringOrigins: 'https://app.example' }, { domain: 'app.example' }, 'must list'],
    [{ registeringOrigins: ['app.example'] }, { domain: 'app.example' }, 'must list'],
    [{ registeringOrigins: ['https://app.example/'] }, { domain: 'app.example' }, 'must list'],
    [{ registeringOrigins: ['http://app.example'] }, { domain: 'app.example' }, 'must list'],
    [{ registeringOrigins: ['https://myapp.example'] }, { domain: 'app.example' }, 'must list'],
    ...[
      'https://*.app.example',
      'https://.app.example',
      'https://login..app.example',
      'https://LOGIN.app.example',
      'https://login.app.example.',
      'https://app.example:443',
    ].map((origin): [object, object, string] => [
      { registeringOrigins: ['https://app.example', origin] },
      { domain: 'app.example' },
      'Browsers compare them letter by letter: lower case, no slash at the end, no wildcards',
    ]),
    [
      { registeringOrigins: Object.assign([], { length: 1 }) },
      { domain: 'app.example' },
      'must list',
    ],
    [
      { registeringOrigins: ['https://APP.example'] },
      { domain: 'APP.example' },
      "such as ['https://app.example', 'https://www.app.example']",
    ],
    [
      { registeringOrigins: ['https://app.example'] },
      {},
      'deviceBound.registeringOrigins has a meaning with cookie.domain alone',
    ],
    [
      {},
      { partitioned: true, sameSite: 'none' },
      'cookie.partitioned cannot be used with deviceBound',
    ],
  ])('refuse %j with %j', (options, cookie, message) => {
    expect(() => policyOf(options, cookie)).toThrow(message)
  })

  it('refuse what deviceBound() did not make', () => {
    const wrong = { store, namespace: 'options', deviceBound: true }
    expect(() => createSessions(wrong as never)).toThrow(
      'createSessions: deviceBound must be what deviceBound() of @coatcheck/core/device-bound returns',
    )
  })

  it.each<[cookie: object, options: object, scope: object, name: string, initiators: unknown]>([
    [{}, {}, { include_site: false }, '__Host-sid-bound', undefined],
    [
      { path: '/app' },
      { path: '/app/x' },
      { include_site: false },
      '__Secure-sid-bound',
      undefined,
    ],
    [
      { domain: 'app.example' },
      { registeringOrigins: ['https://app.example'] },
      { origin: 'https://app.example', include_site: true },
      '__Secure-sid-bound',
      undefined,
    ],
    [{ sameSite: 'none' }, {}, { include_site: false }, '__Host-sid-bound', ['*']],
    [{ name: '__Http-sid' }, {}, { include_site: false }, '__Secure-sid-bound', undefined],
  ])(
    'a cookie of %j, with %j: the scope is %j',
    async (cookie, options, scope, name, initiators) => {
      const sessions = createSessions({
        store: memoryStore(),
        cookie,
        deviceBound: deviceBound(options),
        onEvent() {},
      }) as Sessions<object>
      const browser = new BoundBrowser(sessions, (options as { path?: string }).path)
      await browser.signIn()
      const instructions = (await (await browser.register()).json()) as Record<string, never>
      expect(instructions['scope']).toEqual(scope)
      expect(instructions['credentials']).toMatchObject([{ name }])
      expect(instructions['allowed_refresh_initiators']).toEqual(initiators)
      await browser.refresh()
      expect([...browser.cookies.keys()]).toContain(name)
      expect(await browser.visit(({ device }) => device)).toBe('bound')
    },
  )

  it('tell a browser who may bind sessions of the whole site, and only where the cookie is of the site', async () => {
    const registeringOrigins = ['https://login.app.example', 'https://app.example:8443']
    const ask = async (options: object, cookie: object, method = 'GET'): Promise<unknown> => {
      const { deviceBinding } = createSessions({
        store: memoryStore(),
        cookie,
        deviceBound: deviceBound(options),
      })
      const url = 'https://app.example/.well-known/device-bound-sessions'
      const answer = await deviceBinding(new Request(url, { method }))
      return answer === null ? null : [answer.status, await answer.json()]
    }
    expect(await ask({ registeringOrigins }, { domain: 'app.example' })).toEqual([
      200,
      { registering_origins: registeringOrigins },
    ])
    expect(await ask({ registeringOrigins }, { domain: 'app.example' }, 'POST')).toBeNull()
    const changing = [...registeringOrigins]
    const { deviceBinding } = createSessions({
      store: memoryStore(),
      cookie: { domain: 'App.example' },
      deviceBound: deviceBound({ registeringOrigins: changing }),
    })
    changing.push('https://other.example')
    const url = 'https://app.example/.well-known/device-bound-sessions'
    const answer = await deviceBinding(new Request(url))
    expect(await answer?.json()).toEqual({ registering_origins: registeringOrigins })
    expect(await ask({}, {})).toBeNull()
  })

  it('the endpoints may have a slash at their end, as frameworks add one', async () => {
    const { browser } = setUp()
    await browser.signIn()
    const proof = { 'Secure-Session-Response': browser.registrationProof() }
    expect((await browser.post('register/' as 'register', proof)).status).toBe(200)
  })

  it('over plain http, where browsers bind nothing, nothing is offered', async () => {
    const sessions = createSessions({
      store: memoryStore(),
      cookie: { plainHttp: true },
      deviceBound: deviceBound({ mode: 'require' }),
    }) as Sessions<object>
    const browser = new BoundBrowser(sessions)
    await browser.signIn()
    expect(browser.offer).toBeNull()
    expect(await browser.visit(({ device }) => device)).toBe('unbound')
  })
})
