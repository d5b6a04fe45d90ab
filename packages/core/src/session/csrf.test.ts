import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { csrfTokenOf } from './csrf.ts'
import { memoryStore } from '../store/memory-store.ts'
import { createSessions } from '../sessions/sessions.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Session } from './session.ts'
import type { SessionsOptions } from '../settings/options.ts'

type Data = Partial<Record<string, unknown>>

/** One browser: sends its cookie, keeps what it is given. */
function setUp(options: Partial<SessionsOptions<Data>> = {}): {
  readonly sessions: Sessions<Data>
  readonly pass: (milliseconds: number) => void
  readonly visit: <result>(
    act: (session: Session<Data>) => result | Promise<result>,
  ) => Promise<result>
  readonly jar: { cookie: string }
  readonly headers: () => Headers
} {
  let clock = 1_700_000_000_000
  const now = (): number => clock
  const sessions = createSessions<Data>({
    store: memoryStore({ now }),
    testing: { now },
    ...options,
  })
  const jar = { cookie: '' }
  let headers = new Headers()
  return {
    sessions,
    jar,
    headers: () => headers,
    pass: (milliseconds) => void (clock += milliseconds),
    async visit(act) {
      let result: unknown
      const request = new Request('https://app.example/', { headers: { Cookie: jar.cookie } })
      const response = await sessions.handle(request, async (session) => {
        result = await act(session)
        return new Response()
      })
      ;({ headers } = response)
      const [line] = headers.getSetCookie()
      if (line !== undefined) jar.cookie = line.split(';')[0] as string
      return result as never
    },
  }
}

const tokenFor = (session: Session<Data>): Promise<string> => session.csrfToken()
const verify = (token: unknown) => (session: Session<Data>) => session.verifyCsrf(token)

describe('request forgery tokens', () => {
  it('S52: a form that this session was given comes back and is believed, any number of times', async () => {
    const { visit } = setUp()
    const token = await visit(tokenFor)
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(await visit(tokenFor)).toBe(token)
    expect(await visit(verify(token))).toBe(true)
    expect(await visit(verify(token))).toBe(true)
  })

  it('S52: another session has another one', async () => {
    const sessions = setUp()
    const token = await sessions.visit(tokenFor)
    sessions.jar.cookie = ''
    const other = await sessions.visit(tokenFor)
    expect(other).not.toBe(token)
    expect(await sessions.visit(verify(token))).toBe(false)
    expect(await sessions.visit(verify(other))).toBe(true)
  })

  it('S52: is refused without a session, by one that has just begun, and after the logout', async () => {
    const { visit, jar } = setUp()
    const token = await visit(tokenFor)
    const { cookie } = jar
    jar.cookie = ''
    expect(await visit(verify(token))).toBe(false)
    expect(await visit(async (session) => session.verifyCsrf(await session.csrfToken()))).toBe(
      false,
    )
    jar.cookie = cookie
    await visit((session) => session.destroy())
    jar.cookie = cookie
    expect(await visit(verify(token))).toBe(false)
  })

  it('S52: everything that is not the token is refused, whatever its type', async () => {
    const { visit } = setUp()
    const token = await visit(tokenFor)
    const wrong: unknown[] = [
      '',
      token.slice(1),
      token.slice(0, -1),
      `${token}A`,
      token.toUpperCase(),
      ` ${token}`,
      `${token}\0`,
      null,
      undefined,
      0,
      true,
      {},
      [token],
      { toString: () => token },
      Object(token),
      new Uint8Array(32),
    ]
    for (const each of wrong) expect(await visit(verify(each))).toBe(false)
    for (let at = 0; at < token.length; at++) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
      expect(await visit(verify(changed))).toBe(false)
    }
    expect(await visit(verify(token))).toBe(true)
  })

  it('CVE-2022-24895: a token from before the login is refused after it', async () => {
    for (const signIn of [
      (session: Session<Data>) => session.renew(),
      (session: Session<Data>) => session.signIn('user-1'),
    ]) {
      const { visit } = setUp()
      const before = await visit(tokenFor)
      await visit(signIn)
      expect(await visit(verify(before))).toBe(false)
      const after = await visit(tokenFor)
      expect(after).not.toBe(before)
      expect(await visit(verify(after))).toBe(true)
    }
  })

  it('S52: a form that is made in the same request as the login works after it', async () => {
    const { visit } = setUp()
    await visit(({ data }) => void (data['a'] = 1))
    const token = await visit((session) => {
      session.renew()
      return session.csrfToken()
    })
    expect(await visit(verify(token))).toBe(true)
  })

  it('S52: the rotation of a token by time leaves the forms that are open as they are', async () => {
    const { visit, pass, jar } = setUp({ lifetime: { rotate: 60 } })
    const token = await visit(tokenFor)
    const { cookie } = jar
    pass(61_000)
    expect(await visit(verify(token))).toBe(true)
    expect(jar.cookie).not.toBe(cookie)
    expect(await visit(verify(token))).toBe(true)
    expect(await visit(tokenFor)).toBe(token)
  })

  it('S52: changes by no save, and asking for it writes nothing where there is a session', async () => {
    const { visit } = setUp()
    const token = await visit(tokenFor)
    await visit(({ data }) => void (data['a'] = 1))
    expect(await visit(tokenFor)).toBe(token)
    expect(await visit(verify(token))).toBe(true)
  })

  it('S62: the response to a request that asked for it, or verified it, is private', async () => {
    const { visit, headers } = setUp()
    const token = await visit(tokenFor)
    expect(headers().get('Cache-Control')).toBe('private, no-store')
    await visit(tokenFor)
    expect(headers().get('Cache-Control')).toBe('private')
    await visit(verify(token))
    expect([headers().get('Cache-Control'), headers().get('Vary')]).toEqual(['private', 'Cookie'])
  })

  it('T2: while the store is away no token is given, and none is believed', async () => {
    const store = memoryStore()
    let broken = false
    const flaky = {
      load: (...args: Parameters<typeof store.load>) =>
        broken ? Promise.reject(new Error('refused')) : store.load(...args),
      create: store.create,
      save: store.save,
      delete: store.delete,
    }
    const { visit } = setUp({ store: flaky, testing: {} })
    const token = await visit(tokenFor)
    broken = true
    expect(await visit(verify(token))).toBe(false)
    await expect(visit(tokenFor)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('S52: none is given that no request can verify, once no session can begin any more', async () => {
    const { sessions } = setUp()
    const committed = await sessions.open('')
    await committed.commit()
    await expect(committed.session.csrfToken()).rejects.toMatchObject({ code: 'committed' })
    const locked = await sessions.open('')
    locked.lock('ask in an action')
    await expect(locked.session.csrfToken()).rejects.toMatchObject({
      code: 'read-only',
      message: 'ask in an action',
    })
    expect((await locked.commit()).outcome).toBe('unchanged')
    const lazy = sessions.lazy('')
    await lazy.end()
    const late = await lazy.get()
    await expect(late.csrfToken()).rejects.toMatchObject({ code: 'read-only' })
  })

  it('S52: is given after the commit that has begun the session, or that has renewed it', async () => {
    const { sessions } = setUp()
    const begun = await sessions.open('')
    begun.session.data['a'] = 1
    const { cookie } = await begun.commit()
    const sent = `${cookie?.name}=${cookie?.value}`
    const next = await sessions.open(sent)
    expect(await next.session.verifyCsrf(await begun.session.csrfToken())).toBe(true)
    next.session.renew()
    const renewed = (await next.commit()).cookie
    const last = await sessions.open(`${renewed?.name}=${renewed?.value}`)
    last.lock('read-only')
    const token = await last.session.csrfToken()
    expect(await next.session.csrfToken()).toBe(token)
    expect(await last.session.verifyCsrf(token)).toBe(true)
  })

  it('S52: is the same for a session and for its methods alone', async () => {
    const { visit } = setUp()
    const token = await visit(({ csrfToken }) => csrfToken())
    expect(await visit(({ verifyCsrf }) => verifyCsrf(token))).toBe(true)
    expect(await visit(({ verifyCsrf }) => verifyCsrf('x'))).toBe(false)
  })
})

describe('csrfTokenOf', () => {
  const root = Uint8Array.from({ length: 16 }, (_, at) => at)

  it('S52: is an HMAC by the root, which it does not show', async () => {
    const token = await csrfTokenOf(root)
    const mac = createHmac('sha256', root).update('coatcheck csrf 1').digest('base64url')
    expect(token).toBe(mac)
    expect(await csrfTokenOf(root.map((byte, at) => (at === 15 ? byte ^ 1 : byte)))).not.toBe(mac)
  })
})
