import { createSessions } from '@coatcheck/core'
import type { CookieOptions, Session, SessionsOptions } from '@coatcheck/core'
import { createCookieJar, createVisitor } from '@coatcheck/testing'
import { expect, it } from 'vitest'
import { describeOnAll } from './backends.ts'
import type { Backend } from './backends.ts'

type Data = Record<string, unknown>

let apps = 0

const deletion = 'sid=; Path=/app; Domain=example.com; HttpOnly; Secure; SameSite=Lax; Max-Age=0'
const renamed: CookieOptions = { former: [{ name: 'sid', domain: 'example.com', path: '/app' }] }

function setUp({ another, now }: Backend) {
  const store = another()
  const shared = { store, secrets: ['a secret of thirty-two bytes, or so'], testing: { now } }
  const namespace = `former-${apps++}`
  const connect = (cookie: CookieOptions, more: Partial<SessionsOptions<Data>> = {}) =>
    createSessions<Data>({ ...shared, namespace, cookie, onEvent() {}, ...more })
  return {
    connect,
    old: connect({ name: 'sid', domain: 'example.com', path: '/app' }),
    fresh: connect(renamed),
  }
}

type Sessions = ReturnType<ReturnType<typeof setUp>['connect']>

async function visit(
  sessions: Sessions,
  cookie: string,
  act: (session: Session<Data>) => unknown = () => {},
): Promise<{
  readonly session: Session<Data>
  readonly set: readonly string[]
  readonly headers: Headers
}> {
  let held: Session<Data> | undefined
  const request = new Request('https://example.com/', { headers: cookie === '' ? {} : { cookie } })
  const { headers } = await sessions.handle(request, async (session) => {
    held = session
    await act(session)
    return new Response()
  })
  return { session: held!, set: headers.getSetCookie(), headers }
}

const pairOf = (line: string | undefined): string => line?.split(';')[0] ?? ''
const write = ({ data }: Session<Data>): void => void (data['n'] = ((data['n'] as number) ?? 0) + 1)

describeOnAll('a cookie that had another name before', (backend) => {
  it('signs no one out: the session goes on, under the present name', async () => {
    const { old, fresh } = setUp(backend)
    const before = pairOf((await visit(old, '', (session) => session.signIn('ada'))).set[0])
    for (const act of [() => {}, write]) {
      const { session, set, headers } = await visit(fresh, before, act)
      expect([session.state, session.subject]).toEqual(['live', 'ada'])
      expect(set).toEqual([
        deletion,
        expect.stringMatching(/^__Host-Http-sid=[\w-]{43}; Path=\/; /),
      ])
      expect(headers.get('Cache-Control')).toBe('private, no-store')
      const present = pairOf(set[1])
      expect(present).toBe(before.replace('sid', '__Host-Http-sid'))
      const next = await visit(fresh, present)
      expect([next.session.subject, next.set]).toEqual(['ada', []])
    }
  })

  it('is not needed again: the present one comes first, and the former one is deleted', async () => {
    const { old, fresh } = setUp(backend)
    const former = pairOf((await visit(old, '', write)).set[0])
    const present = pairOf((await visit(fresh, '', write)).set[0])
    const { session, set } = await visit(
      fresh,
      `${former}; ${present}`,
      ({ data }) => (data['own'] = 1),
    )
    expect({ ...session.data }).toEqual({ n: 1, own: 1 })
    expect(set).toEqual([deletion])
    const broken = await visit(fresh, `${former}; __Host-Http-sid=broken`)
    expect([broken.session.state, broken.set]).toEqual(['new', []])
  })

  it('is replaced by a sign-in, a renewal and a rotation, and deleted by a sign-out', async () => {
    const { old, connect } = setUp(backend)
    const fresh = connect(renamed, { lifetime: { rotate: 60 } })
    for (const act of [
      (session: Session<Data>) => session.signIn('ada'),
      (session: Session<Data>) => session.renew(),
    ]) {
      const before = pairOf((await visit(old, '', write)).set[0])
      const { set } = await visit(fresh, before, act)
      expect(set[0]).toBe(deletion)
      expect(pairOf(set[1])).not.toBe(before.replace('sid', '__Host-Http-sid'))
      const { session } = await visit(fresh, pairOf(set[1]))
      expect({ ...session.data }).toEqual({ n: 1 })
    }
    const before = pairOf((await visit(old, '', write)).set[0])
    const ended = await visit(fresh, before, (session) => session.destroy())
    expect(ended.set).toEqual([deletion, expect.stringMatching(/^__Host-Http-sid=; .*Max-Age=0$/)])
    expect((await visit(old, before)).session.state).toBe('new')
    const other = pairOf((await visit(old, '', write)).set[0])
    const gone = (await fresh.destroy(other)).applyTo(new Response()).headers.getSetCookie()
    expect(gone).toEqual([deletion, expect.stringMatching(/^__Host-Http-sid=; .*Max-Age=0$/)])
    expect((await visit(old, other)).session.state).toBe('new')
  })

  it('is left alone where nothing is known of its session, by a prefetch, and in an outage', async () => {
    const { old, fresh, connect } = setUp(backend)
    const unknown = `sid=${'A'.repeat(43)}`
    expect((await visit(fresh, unknown)).set).toEqual([])
    expect((await visit(fresh, unknown, write)).set[0]).toBe(deletion)
    const before = pairOf((await visit(old, '', write)).set[0])
    const { commit } = await fresh.open(before, { touch: false })
    const prefetched = await commit()
    expect([prefetched.cookie, prefetched.formerCookies]).toEqual([null, []])
    const away = () => Promise.reject(new Error('away'))
    const store = { load: away, create: away, save: away, delete: away }
    const down = await visit(connect(renamed, { store }), before, write)
    expect([down.session.state, down.set]).toEqual(['unavailable', []])
  })

  it('keeps a remembered visitor remembered', async () => {
    const { old, fresh } = setUp(backend)
    const { set } = await visit(old, '', (session) => session.signIn('ada', { persist: true }))
    const next = await visit(fresh, pairOf(set[0]))
    expect(next.set[1]).toMatch(/; Max-Age=86\d{3}$/)
  })

  it('is read in the order of the list, and over plain http in development as well', async () => {
    const { connect } = setUp(backend)
    const one = connect({ plainHttp: true, name: 'one' })
    const two = connect({ plainHttp: true, name: 'two' })
    const now = connect({
      plainHttp: true,
      former: [{ name: 'two' }, { name: 'one' }, { name: '__Host-sid' }],
    })
    const cookies = [
      pairOf((await visit(one, '', ({ data }) => (data['of'] = 'one'))).set[0]),
      pairOf((await visit(two, '', ({ data }) => (data['of'] = 'two'))).set[0]),
    ]
    const { session, set } = await visit(now, cookies.join('; '))
    expect(session.data['of']).toBe('two')
    expect(set.map(pairOf)).toEqual(['two=', 'one=', cookies[1]!.replace('two', 'sid')])
    expect(set.some((line) => line.includes('Secure'))).toBe(false)
  })

  it('is replaced in a browser within one visit', async () => {
    const { connect } = setUp(backend)
    const app = (cookie: CookieOptions) => {
      const sessions = connect(cookie)
      return sessions.fetch(async (_request, lazy) => {
        const { data } = await lazy.get()
        data['n'] = ((data['n'] as number) ?? 0) + 1
        return new Response(String(data['n']))
      })
    }
    const [before, after] = [app({ name: 'sid' }), app({ former: [{ name: 'sid' }] })]
    let current = before
    const jar = createCookieJar()
    const visitor = createVisitor((request: Request) => current(request), { jar })
    const get = async (): Promise<string> => (await visitor.fetch('/')).text()
    expect([await get(), await get()]).toEqual(['1', '2'])
    current = after
    expect([await get(), await get()]).toEqual(['3', '4'])
    expect(jar.header).toMatch(/^__Host-Http-sid=[\w-]{43}$/)
  })
})
