import type { Case } from '../case.ts'
import { equal, fails, holds } from '../check.ts'
import { cookieOf, request, setUp } from '../desk.ts'
import type { Desk } from '../desk.ts'

type Sessions = Desk['sessions']

const one = ({ data }: { readonly data: Record<string, unknown> }): void => void (data['a'] = 1)
const known = `__Host-Http-sid=${'A'.repeat(43)}`

const answer = (sessions: Sessions, response: () => Response, cookie = ''): Promise<Response> =>
  sessions.handle(request(cookie), (session) => {
    one(session)
    return response()
  })

const headers: readonly Omit<Case, 'feature'>[] = [
  {
    name: 'the cookie has the safe attributes',
    async run(world) {
      const response = await answer(setUp(world).sessions, () => new Response())
      const [line] = response.headers.getSetCookie()
      equal(
        line!
          .replace(/=[^;]*/, '')
          .split('; ')
          .toSorted(),
        ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure', '__Host-Http-sid'],
      )
    },
  },
  {
    name: 'a response with the cookie is private, and not stored',
    async run(world) {
      const response = await answer(setUp(world).sessions, () => new Response())
      equal(response.headers.get('Cache-Control'), 'private, no-store')
      equal(response.headers.get('Vary'), 'Cookie')
    },
  },
  {
    name: 'other cookies and headers of the app are kept',
    async run(world) {
      const response = await answer(setUp(world).sessions, () => {
        const made = new Response('', { headers: { Vary: 'Accept', 'X-App': '1' } })
        made.headers.append('Set-Cookie', 'a=1')
        made.headers.append('Set-Cookie', 'b=2')
        return made
      })
      equal(response.headers.getSetCookie().slice(0, 2), ['a=1', 'b=2'])
      equal(response.headers.getSetCookie().length, 3)
      equal([response.headers.get('Vary'), response.headers.get('X-App')], ['Accept, Cookie', '1'])
    },
  },
  {
    name: 'a redirect carries the cookie, though its headers cannot be changed',
    async run(world) {
      const { sessions } = setUp(world)
      const response = await answer(sessions, () =>
        Response.redirect('https://app.example/in', 303),
      )
      equal([response.status, response.headers.get('Location')], [303, 'https://app.example/in'])
      holds(cookieOf(response) !== '', 'the cookie')
    },
  },
  {
    name: 'a stream arrives',
    async run(world) {
      const { sessions } = setUp(world)
      const pieces = ['a', 'b', 'c']
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          const piece = pieces.shift()
          if (piece === undefined) controller.close()
          else controller.enqueue(new TextEncoder().encode(piece))
        },
      })
      equal(await (await answer(sessions, () => new Response(stream))).text(), 'abc')
    },
  },
  {
    name: 'one response for all requests is not changed',
    async run(world) {
      const { sessions } = setUp(world)
      const shared = new Response(null, { status: 204 })
      const cookies = [await answer(sessions, () => shared), await answer(sessions, () => shared)]
      equal(new Set(cookies.map(cookieOf)).size, 2)
      equal([...shared.headers].length, 0)
    },
  },
  {
    name: 'a Response that the handler throws is thrown on, with the cookie',
    async run(world) {
      const { sessions } = setUp(world)
      const thrown = await answer(sessions, () => {
        throw new Response('no', { status: 403 })
      }).catch((response: Response) => response)
      equal(thrown.status, 403)
      holds(cookieOf(thrown) !== '', 'the cookie')
    },
  },
  {
    name: 'an Error that the handler throws drops the changes',
    async run(world) {
      const { sessions, trips } = setUp(world)
      const broken = () => {
        throw new Error('broken')
      }
      await fails(() => answer(sessions, broken), 'broken')
      equal(trips(), 0)
    },
  },
  {
    name: 'a sign-out deletes the cookie',
    async run(world) {
      const { sessions, visit } = setUp(world)
      const { cookie } = await visit('', one)
      const response = await sessions.handle(request(cookie), (session) => {
        session.destroy({ clearSiteData: ['cache'] })
        return new Response()
      })
      holds(response.headers.getSetCookie()[0]!.includes('Max-Age=0'), 'Max-Age=0')
      equal(response.headers.get('Clear-Site-Data'), '"cache"')
    },
  },
  {
    name: 'a persistent cookie lasts until the absolute end',
    async run(world) {
      const { visit } = setUp(world, { cookie: { persistent: true }, lifetime: { absolute: 7200 } })
      const { committed } = await visit('', one)
      holds(committed.cookie!.header.includes('Max-Age=7200'), 'Max-Age=7200')
    },
  },
  {
    name: 'a response whose body has been read is refused before anything is saved',
    async run(world) {
      const { sessions, trips } = setUp(world)
      const used = new Response('used')
      await used.text()
      await fails(() => answer(sessions, () => used), 'body')
      equal(trips(), 0)
    },
  },
  {
    name: 'Server-Timing tells the outcome if it is asked to explain',
    async run(world) {
      const response = await answer(setUp(world, { explain: true }).sessions, () => new Response())
      holds(response.headers.get('Server-Timing')!.includes('created'), 'the outcome')
    },
  },
]

const lazy: readonly Omit<Case, 'feature'>[] = [
  {
    name: 'a request that never asks makes no trip, and its response is returned as it is',
    async run(world) {
      const { sessions, trips } = setUp(world)
      const response = new Response('as it is')
      equal((await sessions.lazy(request(known)).answer(response)) === response, true)
      equal(trips(), 0)
    },
  },
  {
    name: 'asking twice is one session and one trip',
    async run(world) {
      const { sessions, visit, trips } = setUp(world)
      const { cookie } = await visit('', one)
      const before = trips()
      const session = sessions.lazy(request(cookie))
      equal((await session.get()) === (await session.get()), true)
      equal(trips() - before, 1)
    },
  },
  {
    name: 'a late change is refused, and the error names Coatcheck and what to do',
    async run(world) {
      const { sessions } = setUp(world)
      const session = sessions.lazy(request())
      const held = await session.get()
      await session.end()
      await fails(() => one(held), 'Coatcheck')
      const late = sessions.lazy(request(), { hints: { late: 'ask earlier' } })
      await late.end()
      const asked = await late.get()
      await fails(() => one(asked), 'Coatcheck: ask earlier')
      await fails(() => late.saveLate((data) => void (data['a'] = 1)), 'Coatcheck')
    },
  },
  {
    name: 'saveLate changes what was saved before',
    async run(world) {
      const { sessions, visit } = setUp(world)
      const { cookie } = await visit('', one)
      const session = sessions.lazy(request(cookie))
      await session.get()
      await session.end()
      equal(await session.saveLate((data) => void (data['late'] = 1)), 'saved')
      equal((await visit(cookie)).data, { a: 1, late: 1 })
    },
  },
  {
    name: 'a session that is read only says where to write',
    async run(world) {
      const { sessions } = setUp(world)
      const session = await sessions.lazy(request(), { readOnly: 'write elsewhere' }).get()
      await fails(() => one(session), 'write elsewhere')
    },
  },
  {
    name: 'sessions.fetch returns what is thrown as a Response, with the cookie',
    async run(world) {
      const { sessions } = setUp(world)
      const serve = sessions.fetch(async (_request: Request, session): Promise<Response> => {
        one(await session.get())
        throw new Response('no', { status: 401 })
      })
      const response = await serve(request())
      equal(response.status, 401)
      holds(cookieOf(response) !== '', 'the cookie')
    },
  },
]

const as =
  (feature: Case['feature']) =>
  (each: Omit<Case, 'feature'>): Case => ({ feature, ...each })

export const headersAndLazy: readonly Case[] = [
  ...headers.map(as('headers')),
  ...lazy.map(as('lazy')),
]
