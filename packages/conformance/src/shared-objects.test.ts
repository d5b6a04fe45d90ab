import { createSessions } from '@coatcheck/core'
import type { OnFailure, Session, Sessions, SessionStore } from '@coatcheck/core'
import { expect, it } from 'vitest'
import { describeOnAll } from './backends.ts'
import type { Backend } from './backends.ts'

interface Data {
  user: string
  count: number
}

type Act = (session: Session<Partial<Data>>) => void

/** Answers one request by the app's response, in one of the ways that an app or an adapter can. */
type Serve = (request: Request, act: Act, response: Response) => Promise<Response>

const headers = {
  Location: '/',
  Vary: 'Accept',
  'Server-Timing': 'db;dur=5',
  'Clear-Site-Data': '"storage"',
  'Cache-Control': 'public, max-age=60',
}

const constants: { readonly [what: string]: () => Response } = {
  'a constant redirect': () => new Response(null, { status: 303, headers }),
  'a constant 204': () => new Response(null, { status: 204, headers }),
}

function setUp({ now }: Backend, store: SessionStore): Sessions<Partial<Data>> {
  return createSessions<Data>({ store, testing: { now }, explain: true, onEvent: () => {} })
}

const ways: { readonly [way: string]: (sessions: Sessions<Partial<Data>>) => Serve } = {
  'sessions.handle': (sessions) => (request, act, response) =>
    sessions.handle(request, (session) => {
      act(session)
      return response
    }),
  'a throw in sessions.handle': (sessions) => (request, act, response) =>
    caught(
      sessions.handle(request, (session) => {
        act(session)
        throw response
      }),
    ),
  'open and applyTo': (sessions) => async (request, act, response) => {
    const { session, commit } = await sessions.open(request)
    act(session)
    return (await commit()).applyTo(response)
  },
  'lazy.around': (sessions) => (request, act, response) => {
    const lazy = sessions.lazy(request)
    return lazy.around(async () => {
      act(await lazy.get())
      return response
    })
  },
  'a throw in lazy.around': (sessions) => (request, act, response) => {
    const lazy = sessions.lazy(request)
    return caught(
      lazy.around(async () => {
        act(await lazy.get())
        throw response
      }),
    )
  },
  'lazy.answer': (sessions) => async (request, act, response) => {
    const lazy = sessions.lazy(request)
    act(await lazy.get())
    return lazy.answer(response)
  },
}

/** The Response that is thrown. */
async function caught(answered: Promise<Response>): Promise<Response> {
  return answered.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (thrown: Response) => thrown,
  )
}

function requestWith(cookie = ''): Request {
  return new Request('https://app.example/', { headers: { Cookie: cookie } })
}

function cookieOf(response: Response): string {
  const line = response.headers.getSetCookie().find((each) => each.startsWith('__Host-Http-sid='))
  return line?.split(';')[0] ?? ''
}

const signInAs =
  (user: string): Act =>
  (session) => {
    session.data.user = user
    session.signIn(user)
  }

/** Whose session a cookie leads to; `null`: no session. */
async function whoIs(sessions: Sessions<Partial<Data>>, cookie: string): Promise<string | null> {
  const { session } = await sessions.open(requestWith(cookie))
  return session.data.user ?? null
}

/** The header lines, in the order of the object. */
const linesOf = (response: Response): readonly (readonly string[])[] => [...response.headers]

describeOnAll('a response that is one object for all requests', (backend) => {
  for (const [way, serveWith] of Object.entries(ways)) {
    for (const [what, make] of Object.entries(constants)) {
      it(`A1: ${what} through ${way}: no visitor is given the session of another`, async () => {
        const sessions = setUp(backend, backend.store)
        const serve = serveWith(sessions)
        const shared = make()
        const before = linesOf(shared)
        const ada = await serve(requestWith(), signInAs('ada'), shared)
        expect(ada).toMatchObject({ status: shared.status, body: null })
        expect(await whoIs(sessions, cookieOf(ada))).toBe('ada')
        for (const act of [({ data }: Session<Partial<Data>>) => void data.user, () => {}]) {
          const stranger = await serve(requestWith(), act, shared)
          expect(stranger.headers.getSetCookie()).toEqual([])
        }
        expect(linesOf(shared)).toEqual(before)
      })

      it(`A1: ${what} through ${way}: two sign-ins at once stay apart`, async () => {
        const sessions = setUp(backend, backend.store)
        const shared = make()
        const users = Array.from({ length: 20 }, (_, n) => `user ${n}`)
        const answers = await Promise.all(
          users.map((user) => serveWith(sessions)(requestWith(), signInAs(user), shared)),
        )
        for (const [n, answer] of answers.entries()) {
          expect(answer.headers.getSetCookie()).toHaveLength(1)
          expect(await whoIs(sessions, cookieOf(answer))).toBe(users[n])
        }
      })

      it(`A1: ${what} through ${way}: nothing piles up`, async () => {
        const sessions = setUp(backend, backend.store)
        const serve = serveWith(sessions)
        const shared = make()
        const before = linesOf(shared)
        for (let round = 0; round < 3; round++) {
          const cookie = cookieOf(await serve(requestWith(), signInAs('ada'), shared))
          const answer = await serve(
            requestWith(cookie),
            ({ destroy }) => destroy({ clearSiteData: ['cache'] }),
            shared,
          )
          expect(Object.fromEntries(answer.headers)).toEqual({
            location: '/',
            vary: 'Accept, Cookie',
            'server-timing': 'db;dur=5, session;desc="destroyed"',
            'clear-site-data': '"storage", "cache"',
            'cache-control': 'private, no-store',
            'set-cookie': expect.stringMatching(/^__Host-Http-sid=; .*Max-Age=0/),
          })
        }
        expect(linesOf(shared)).toEqual(before)
      })
    }
  }

  it('A1: a constant that onFailure returns: a later visitor is given nothing of it', async () => {
    const shared = new Response(null, { status: 503, headers })
    const before = linesOf(shared)
    let away = true
    const failing =
      <args extends unknown[], result>(command: (...given: args) => Promise<result>) =>
      (...given: args): Promise<result> =>
        away ? Promise.reject(new Error('away')) : command(...given)
    const store: SessionStore = {
      load: failing(backend.store.load),
      create: failing(backend.store.create),
      save: failing(backend.store.save),
      delete: failing(backend.store.delete),
    }
    const sessions = setUp(backend, store)
    const onFailure: OnFailure = () => shared
    const login = (user: string): Promise<Response> =>
      sessions.handle(
        requestWith(),
        (session) => {
          signInAs(user)(session)
          return new Response('welcome')
        },
        { onFailure },
      )
    for (const user of ['ada', 'grace']) {
      const answer = await login(user)
      expect(Object.fromEntries(answer.headers)).toEqual({
        location: '/',
        vary: 'Accept, Cookie',
        'server-timing': 'db;dur=5, session;desc="unavailable"',
        'clear-site-data': '"storage"',
        'cache-control': 'private, max-age=60',
      })
    }
    away = false
    expect(await whoIs(sessions, cookieOf(await login('ada')))).toBe('ada')
    expect(linesOf(shared)).toEqual(before)
  })

  it('A1: a constant that onFailure returns to a sign-out that was not done', async () => {
    const shared = new Response(null, { status: 503, headers })
    const before = linesOf(shared)
    const { load, create } = backend.store
    const away = (): Promise<never> => Promise.reject(new Error('away'))
    const working = setUp(backend, backend.store)
    const failing = setUp(backend, { load, create, save: away, delete: away })
    const signedIn = await working.handle(requestWith(), (session) => {
      signInAs('ada')(session)
      return new Response()
    })
    const answer = await failing.handle(
      requestWith(cookieOf(signedIn)),
      (session) => {
        session.destroy({ clearSiteData: ['cache'] })
        return new Response('bye')
      },
      { onFailure: () => shared },
    )
    expect(answer.status).toBe(503)
    expect(answer.headers.getSetCookie()).toEqual([])
    expect(answer.headers.get('Clear-Site-Data')).toBe('"storage"')
    expect(linesOf(shared)).toEqual(before)
  })
})
