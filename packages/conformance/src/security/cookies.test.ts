import { createSessions } from '@coatcheck/core'
import type { CookieOptions, Session, SessionEvent, Sessions, SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { describeOnAll } from '../backends.ts'
import { createVisitor, increment } from '../visitor.ts'

type Data = Record<string, unknown>

const secrets = ['a secret of thirty-two bytes, or so']
const name = '__Host-Http-sid'

function setUp(cookie: CookieOptions = {}): {
  readonly sessions: Sessions<Data>
  readonly events: SessionEvent[]
  readonly commands: () => number
  readonly ask: (
    header: string | readonly string[],
    act?: (session: Session<Data>) => void,
  ) => Promise<Response>
} {
  const events: SessionEvent[] = []
  const records: SessionStore = memoryStore({ maxSessions: 200_000 })
  let commands = 0
  const sessions = createSessions<Data>({
    store: {
      load: (...args) => (commands++, records.load(...args)),
      create: (...args) => (commands++, records.create(...args)),
      save: (...args) => (commands++, records.save(...args)),
      delete: (...args) => (commands++, records.delete(...args)),
    },
    secrets,
    cookie,
    onEvent: (event) => events.push(event),
  })
  return {
    sessions,
    events,
    commands: () => commands,
    ask(header, act = () => {}) {
      const lines = typeof header === 'string' ? [header] : header
      const request = new Request('https://app.example/', {
        headers: lines.map((line): [string, string] => ['Cookie', line]),
      })
      return sessions.handle(request, (session) => {
        act(session)
        return Response.json({ state: session.state, data: session.data })
      })
    },
  }
}

async function begin(
  setting: ReturnType<typeof setUp>,
): Promise<{ token: string; line: string; header: string }> {
  const response = await setting.ask('', increment)
  const [line = ''] = response.headers.getSetCookie()
  const [header = ''] = line.split(';')
  return { line, header, token: header.slice(header.indexOf('=') + 1) }
}

const stateOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { state: unknown }).state

const randomToken = (): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')

describe('the cookie', () => {
  it('S20, S22, S23, S24, S47, S51, S54, S57: has the safe defaults, and nothing else', async () => {
    const { line, token } = await begin(setUp())
    expect(line).toBe(`${name}=${token}; Path=/; HttpOnly; Secure; SameSite=Lax`)
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(line.length).toBeLessThan(128)
    expect(name).not.toMatch(/coat|check|node|express/i)
  })

  it.each<[CookieOptions, string, string]>([
    [{}, '; Path=/; HttpOnly; Secure; SameSite=Lax', name],
    [
      { domain: 'app.example' },
      '; Path=/; Domain=app.example; HttpOnly; Secure; SameSite=Lax',
      '__Secure-sid',
    ],
    [{ path: '/shop' }, '; Path=/shop; HttpOnly; Secure; SameSite=Lax', '__Secure-sid'],
    [
      { sameSite: 'none', partitioned: true },
      '; Path=/; HttpOnly; Secure; SameSite=None; Partitioned',
      name,
    ],
    [{ plainHttp: true }, '; Path=/; HttpOnly; SameSite=Lax', 'sid'],
    [{ persistent: true }, '; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=86400', name],
  ])(
    'S48, S69: logout deletes %o by the same name, path, domain and partition',
    async (options, rest, of) => {
      const setting = setUp(options)
      const { line, header, token } = await begin(setting)
      expect(line).toBe(`${of}=${token}${rest}`)
      const response = await setting.ask(header, (session) => session.destroy())
      const [deletion, ...more] = response.headers.getSetCookie()
      expect(more).toEqual([])
      expect(deletion).toBe(`${of}=${rest.replace('; Max-Age=86400', '')}; Max-Age=0`)
    },
  )

  it('S23: no part of the public session holds the token', async () => {
    const setting = setUp()
    const { header, token } = await begin(setting)
    const { session } = await setting.sessions.open(header)
    const shown = JSON.stringify([
      session,
      session.data,
      session.id,
      Object.values(session).map(String),
    ])
    expect(shown).not.toContain(token)
    expect(session.id).not.toBe(token)
  })

  it('S27: a token in the query, the path, the body, or any other header is ignored', async () => {
    const setting = setUp()
    const { header, token } = await begin(setting)
    const before = setting.commands()
    const request = new Request(`https://app.example/${token}?sid=${token}&${header}`, {
      method: 'POST',
      body: new URLSearchParams({ sid: token, [name]: token }),
      headers: {
        Authorization: `Bearer ${token}`,
        'X-Session': token,
        'Set-Cookie': header,
        Cookie2: header,
        Referer: `https://app.example/?${header}`,
      },
    })
    const response = await setting.sessions.handle(request, ({ state }) => Response.json({ state }))
    expect(await stateOf(response)).toBe('new')
    expect(setting.commands()).toBe(before)
  })

  it('S49: X-Forwarded-Proto changes nothing, in either direction', async () => {
    const { sessions } = setUp()
    for (const proto of ['http', 'https']) {
      const request = new Request('http://app.example/', {
        headers: { 'X-Forwarded-Proto': proto },
      })
      const response = await sessions.handle(request, (session) => {
        increment(session)
        return new Response()
      })
      expect(response.headers.getSetCookie()[0]).toContain('; Secure')
    }
  })
})

describe('a server that is reached over https and over plain http', () => {
  const cookie = { secure: 'per-request', trustProxy: true } as const
  const ask = (
    { sessions }: ReturnType<typeof setUp>,
    proto: 'http' | 'https',
    header: string,
    act: (session: Session<Data>) => void = () => {},
  ): Promise<Response> =>
    sessions.handle(
      new Request('http://10.0.0.1/', { headers: { 'X-Forwarded-Proto': proto, Cookie: header } }),
      (session) => {
        act(session)
        return Response.json({ state: session.state, data: session.data })
      },
    )
  const cookieOf = (response: Response): string =>
    response.headers.getSetCookie()[0]?.split(';')[0] ?? ''

  afterEach(() => vi.unstubAllEnvs())

  it('S49: takes no cookie of one over the other', async () => {
    const setting = setUp(cookie)
    const secure = cookieOf(await ask(setting, 'https', '', increment))
    const plain = cookieOf(await ask(setting, 'http', '', increment))
    expect([secure.split('=')[0], plain.split('=')[0]]).toEqual([name, 'sid'])
    const states = async (proto: 'http' | 'https'): Promise<unknown> =>
      Promise.all([secure, plain].map(async (each) => stateOf(await ask(setting, proto, each))))
    expect(await states('https')).toEqual(['live', 'new'])
    expect(await states('http')).toEqual(['new', 'live'])
  })

  it('S49: in production makes no trip over plain http, saves nothing, sets nothing, and emits events', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const setting = setUp(cookie)
    const secure = cookieOf(await ask(setting, 'https', '', increment))
    const before = setting.commands()
    setting.events.length = 0
    const acts = [
      [() => {}, 200],
      [increment, 200],
      [(session: Session<Data>) => session.renew(), 503],
      [(session: Session<Data>) => session.destroy(), 503],
    ] as const
    for (const [act, status] of acts) {
      let state = ''
      const both = `${secure}; ${secure.replace(name, 'sid')}`
      const response = await ask(setting, 'http', both, (session) => {
        act(session)
        ;({ state } = session)
      })
      expect([response.status, state]).toEqual([status, 'unavailable'])
      expect(response.headers.getSetCookie()).toEqual([])
    }
    const { outcome, cookie: none } = await setting.sessions.destroy(secure, { secure: false })
    expect([outcome, none]).toEqual(['unconfirmed', null])
    expect(setting.commands()).toBe(before)
    const told = setting.events.map((event) =>
      event.type === 'commit' ? event.outcome : event.type,
    )
    expect(told).toEqual([
      'request.insecure',
      'request.insecure',
      'unavailable',
      'request.insecure',
      'unavailable',
      'request.insecure',
      'unconfirmed',
      'request.insecure',
      'unconfirmed',
    ])
    expect(await stateOf(await ask(setting, 'https', secure))).toBe('live')
  })

  it('S49: says why if an outage throws', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const sessions = createSessions({ store: memoryStore(), cookie, unavailable: 'throw' })
    await expect(sessions.open(new Request('http://10.0.0.1/'))).rejects.toThrow(
      /plain http.*trustProxy/,
    )
  })
})

describe('a cookie that comes back', () => {
  const token = 'A'.repeat(43)
  it.each<[string, string]>([
    ['nothing', ''],
    ['300 letters', 'A'.repeat(300)],
    ['42 letters', 'A'.repeat(42)],
    ['44 letters', 'A'.repeat(44)],
    ['another spelling of the same bytes', `${'A'.repeat(42)}B`],
    ['CVE-2025-61686: a path', `../../../../${'A'.repeat(31)}`],
    ['CVE-2024-3400: a path in the shell', `/../../../opt/${'`id`'}${'A'.repeat(20)}`],
    ['CVE-2020-13254: a space', `A ${'A'.repeat(41)}`],
    ['percent signs', `${token.slice(6)}%0d%0a`],
    ['quotes', `"${token}"`],
    ['base64 with + and /', `+/${token.slice(2)}`],
    ['padding', `${token.slice(1)}=`],
    ['letters beyond ASCII', `é${token.slice(1)}`],
    ['a megabyte', 'A'.repeat(1_000_000)],
  ])(
    'S56, CVE-2025-61686, CVE-2024-3400: with %s makes no trip, and is reported as malformed',
    async (_what, value) => {
      const setting = setUp()
      const response = await setting.ask(`${name}=${value}`)
      expect(await stateOf(response)).toBe('new')
      expect(setting.commands()).toBe(0)
      expect(response.headers.getSetCookie()).toEqual([])
      expect(setting.events).toEqual([{ type: 'token.malformed' }])
    },
  )

  it.each(['\r\nset x 0 0 1', '\0', '\n', '\t', '\v', '\u2028', '\u00a0'])(
    'CVE-2020-13254: %j in the value makes no trip, where a runtime lets it through',
    async (bad) => {
      const setting = setUp()
      const { session } = await setting.sessions.open(`${name}=${'A'.repeat(42)}${bad}`)
      expect(session.state).toBe('new')
      expect(setting.commands()).toBe(0)
    },
  )

  it('S55: 100,000 unknown tokens are not adopted, and write nothing', async () => {
    const setting = setUp()
    for (let n = 0; n < 100_000; n++) {
      const { session, commit } = await setting.sessions.open(`${name}=${randomToken()}`)
      if (session.state !== 'new') throw new Error('adopted')
      const { cookie } = await commit()
      if (cookie !== null) throw new Error('answered with a cookie')
    }
    expect(setting.commands()).toBe(100_000)
    expect(setting.events).toHaveLength(100_000)
    expect(new Set(setting.events.map(({ type }) => type))).toEqual(new Set(['token.unknown']))
  }, 300_000)

  it('S55, S7: a token that the visitor brought is not the one that a new session gets', async () => {
    const setting = setUp()
    const planted = randomToken()
    const response = await setting.ask(`${name}=${planted}`, increment)
    const [line = ''] = response.headers.getSetCookie()
    expect(line).toMatch(new RegExp(`^${name}=[\\w-]{43};`))
    expect(line).not.toContain(planted)
    expect(await stateOf(await setting.ask(`${name}=${planted}`))).toBe('new')
  })

  it('S59: two cookies of the name with different values count as no cookie, make no trip, and are reported', async () => {
    const setting = setUp()
    const { header } = await begin(setting)
    const before = setting.commands()
    for (const both of [
      `${header}; ${name}=${randomToken()}`,
      `${name}=; ${header}`,
      `${header}; ${header}; ${name}=${randomToken()}`,
    ]) {
      setting.events.length = 0
      const response = await setting.ask(both)
      expect(await stateOf(response)).toBe('new')
      expect(response.headers.getSetCookie()).toEqual([])
      expect(setting.events).toEqual([{ type: 'token.duplicate' }])
    }
    expect(setting.commands()).toBe(before)
    expect(await stateOf(await setting.ask(header))).toBe('live')
  })

  it('rule 1: two cookies of the name with one value are one cookie', async () => {
    const setting = setUp()
    const { header } = await begin(setting)
    setting.events.length = 0
    const response = await setting.ask(`${header}; a=1; ${header}`, increment)
    expect(await stateOf(response)).toBe('live')
    expect(setting.events.map(({ type }) => type)).toEqual(['commit'])
  })

  it('S68: several Cookie lines, as HTTP/2 sends them, are read as one', async () => {
    const setting = setUp()
    const { header } = await begin(setting)
    expect(await stateOf(await setting.ask(['a=1', header, 'b=2']))).toBe('live')
    expect(await stateOf(await setting.ask([header, header]))).toBe('live')
    expect(await stateOf(await setting.ask([header, `${name}=${randomToken()}`]))).toBe('new')
  })

  it('S67: four megabytes of semicolons are read in time', async () => {
    const setting = setUp()
    for (const header of [
      ';'.repeat(4_000_000),
      `${'a;'.repeat(2_000_000)}=`,
      '='.repeat(4_000_000),
    ]) {
      expect((await setting.sessions.open(header)).session.state).toBe('new')
    }
    expect(setting.commands()).toBe(0)
  })

  it('CVE-2020-8184, CVE-2026-39410: names that only look like the session cookie’s are ignored', async () => {
    const setting = setUp()
    const { token: live } = await begin(setting)
    const before = setting.commands()
    const forged = [
      '__Host%2DHttp-sid',
      '%5F%5FHost-Http-sid',
      '__host-http-sid',
      '__HOST-HTTP-SID',
      '\u00a0__Host-Http-sid',
      '__Host-Http-sid\u00a0',
      '\u2000__Host-Http-sid',
      '\ufeff__Host-Http-sid',
      '\v__Host-Http-sid',
      'sid',
      '__Host-sid',
      '__Secure-sid',
      '=__Host-Http-sid',
      '$Version=1; $__Host-Http-sid',
      '"__Host-Http-sid"',
    ]
    for (const each of forged) {
      const { session } = await setting.sessions.open(`${each}=${live}`)
      expect([each, session.state]).toEqual([each, 'new'])
    }
    expect(setting.commands()).toBe(before)
  })
})

describe('other cookies of the response', () => {
  it('S64: are all kept, and the session cookie is set once', async () => {
    const { sessions } = setUp()
    const response = await sessions.handle(new Request('https://app.example/'), (session) => {
      increment(session)
      const answer = new Response()
      for (const line of [
        'a=1',
        'b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT',
        `${name}=forged`,
        'a=3',
      ]) {
        answer.headers.append('Set-Cookie', line)
      }
      return answer
    })
    const lines = response.headers.getSetCookie()
    expect(lines.slice(0, 3)).toEqual(['a=1', 'b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT', 'a=3'])
    expect(lines).toHaveLength(4)
    expect(lines[3]).toMatch(new RegExp(`^${name}=[\\w-]{43}; Path=/`))
  })
})

describeOnAll('a cookie that leads nowhere', (backend) => {
  const setUpHere = (): Sessions<Data> =>
    createSessions<Data>({ store: backend.store, secrets, testing: { now: backend.now } })

  it('S70: the response neither sets nor clears the cookie, unless its handler began a session', async () => {
    const sessions = setUpHere()
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const dead = visitor.cookie
    await visitor.visit((session) => session.destroy())
    expect((await createVisitor(sessions, dead).visit(() => {})).setCookies).toEqual([])
    for (const way of ['renew', 'destroy', 'discard'] as const) {
      const act = (session: Session<Data>): void => session[way]()
      expect((await createVisitor(sessions, dead).visit(act)).setCookies).toEqual([])
    }
    expect((await createVisitor(sessions, dead).visit(increment)).setCookies).toHaveLength(1)
  })

  it('CVE-2015-5143, CVE-2015-5963, S17: visitors without a session, and their logouts, write nothing', async () => {
    const sessions = setUpHere()
    const [commands, size] = [await backend.commands(), await backend.size()]
    for (let n = 0; n < 10_000; n++) {
      const { session, commit } = await sessions.open('')
      if (n % 2 === 0) session.destroy()
      if ((await commit()).cookie !== null) throw new Error('a cookie without a session')
    }
    expect((await sessions.destroy('')).outcome).toBe('unchanged')
    expect(await backend.commands()).toBe(commands)
    expect(await backend.size()).toBe(size)
    const unknown = `${name}=${randomToken()}`
    for (let n = 0; n < 20; n++) {
      const { session, commit } = await sessions.open(unknown)
      session.destroy()
      await commit()
    }
    expect(await backend.size()).toBe(size)
  })
})
