import type { Sessions } from '@coatcheck/core'
import { createSessions, SessionError } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import type { RequestEvent } from '@sveltejs/kit'
import { describe, expect, it } from 'vitest'
import { createHandle } from './handle.ts'
import { commit, getSession } from './session.ts'
import type { SessionEvent } from './session.ts'
import { tracedSessions } from '../../test/traced-sessions.ts'

type Event = RequestEvent & SessionEvent<Data>
type Data = Partial<Record<string, unknown>>
type Resolve = (event: Event) => Response | Promise<Response>

/** An event as SvelteKit makes it, as far as the hook looks at it. */
function eventOf(request: Request, more: Partial<RequestEvent> = {}): RequestEvent {
  const cookies = { set: () => {} }
  const event = { request, url: new URL(request.url), locals: {}, cookies, isSubRequest: false }
  return {
    ...event,
    isDataRequest: false,
    fetch: globalThis.fetch,
    ...more,
  } as unknown as RequestEvent
}

const request = (): Request => new Request('https://app.example/')

function serve(sessions: Sessions<Data>, event: RequestEvent, resolve: Resolve): Promise<Response> {
  const handle = createHandle(sessions)
  return handle({ event, resolve: (passed) => resolve(passed as Event) })
}

describe('createHandle', () => {
  it('opens nothing, and gives back the response itself, when nobody asks for the session', async () => {
    const { sessions, calls } = tracedSessions()
    const response = new Response('page')
    expect(await serve(sessions, eventOf(request()), () => response)).toBe(response)
    expect(calls).toEqual([])
  })

  it('opens the session once, whoever asks, and saves it when the response is there', async () => {
    const { sessions, calls } = tracedSessions()
    const answer = await serve(sessions, eventOf(request()), async (event) => {
      const [one, other] = await Promise.all([
        getSession(event),
        getSession({ locals: event.locals }),
      ])
      expect(one).toBe(other)
      one.data['visits'] = 1
      calls.push('respond')
      return new Response('page')
    })
    expect(calls).toEqual(['open', 'respond', 'commit'])
    expect(answer.headers.getSetCookie()).toHaveLength(1)
  })

  it('waits for a session that is still being opened when the response is there', async () => {
    const { sessions } = tracedSessions()
    const answer = await serve(sessions, eventOf(request()), (event) => {
      void getSession(event).then(({ data }) => void (data['visits'] = 1))
      return new Response('page')
    })
    expect(answer.headers.getSetCookie()).toHaveLength(1)
  })

  it('saves early with commit, which says what became of it, and sets the cookie all the same', async () => {
    const { sessions, calls } = tracedSessions()
    const answer = await serve(sessions, eventOf(request()), async (event) => {
      const { data } = await getSession(event)
      data['visits'] = 1
      const { outcome } = await commit(event)
      expect(() => (data['visits'] = 2)).toThrow(SessionError)
      return new Response(outcome)
    })
    expect([await answer.text(), calls]).toEqual(['created', ['open', 'commit']])
    expect(answer.headers.getSetCookie()).toHaveLength(1)
  })

  it('rejects when the session holds what cannot be kept', async () => {
    const { sessions } = tracedSessions()
    const answer = serve(sessions, eventOf(request()), async (event) => {
      ;(await getSession(event)).data['clock'] = () => 0
      return new Response('page')
    })
    await expect(answer).rejects.toMatchObject({ code: 'unsupported-value' })
  })

  it('answers after a commit that was refused, once the changes are discarded', async () => {
    const { sessions } = tracedSessions()
    const answer = await serve(sessions, eventOf(request()), async (event) => {
      const session = await getSession(event)
      session.data['clock'] = () => 0
      const refusal = await commit(event).catch(({ code }: SessionError) => code)
      session.discard()
      return new Response(String(refusal))
    })
    expect(await answer.text()).toBe('unsupported-value')
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  it('leaves the response alone of who was told that the store is away', async () => {
    const store = { ...memoryStore(), load: () => Promise.reject(new Error('away')) }
    const sessions = createSessions<Record<string, unknown>>({
      store,
      unavailable: 'throw',
      secrets: 'none',
    })
    const event = eventOf(
      new Request(request(), { headers: { Cookie: `__Host-Http-sid=${'A'.repeat(43)}` } }),
    )
    const answer = await serve(sessions, event, async (passed) => {
      const reason = await getSession(passed).catch(({ code }: SessionError) => code)
      return new Response(String(reason), { status: 503 })
    })
    expect([answer.status, await answer.text()]).toEqual([503, 'unavailable'])
  })

  it('hands the cookie to SvelteKit when a redirect is thrown, even when its own set throws by then', async () => {
    const { sessions } = tracedSessions()
    const set: unknown[][] = []
    const cookies = { set: (...given: unknown[]) => void set.push(given) }
    const event = eventOf(request(), { cookies: cookies as unknown as RequestEvent['cookies'] })
    const redirect = { status: 303, location: '/landed' }
    const answer = serve(sessions, event, async (passed) => {
      ;(await getSession(passed)).data['visits'] = 1
      cookies.set = () => {
        throw new Error('the response has been generated')
      }
      throw redirect
    })
    await expect(answer).rejects.toBe(redirect)
    expect(set).toMatchObject([
      [
        '__Host-Http-sid',
        expect.stringMatching(/^.{43}$/),
        { path: '/', httpOnly: true, secure: true, sameSite: 'lax' },
      ],
    ])
  })

  it('drops the changes when anything else is thrown, and throws it on', async () => {
    const things = [
      new Error('planted'),
      { status: 403, body: {} },
      Response.json({}),
      'text',
      null,
      undefined,
    ]
    for (const thing of things) {
      const { sessions, calls } = tracedSessions()
      const answer = serve(sessions, eventOf(request()), async (event) => {
        ;(await getSession(event)).data['visits'] = 1
        throw thing
      })
      expect(await answer.catch((error: unknown) => ({ error }))).toEqual({ error: thing })
      expect(calls).toEqual(['open', 'discard', 'commit'])
    }
  })

  it('tells caches that the answer is this visitor’s alone, even when the session is read after it', async () => {
    const { sessions } = tracedSessions()
    const answer = await serve(sessions, eventOf(request()), async (event) => {
      const session = await getSession(event)
      const body = new ReadableStream({
        pull: (controller) => controller.close(),
        cancel: () => void session.data,
      })
      return new Response(body)
    })
    expect(answer.headers.get('Vary')).toBe('Cookie')
    expect(answer.headers.get('Cache-Control')).toBe('private')
  })

  it('sends Clear-Site-Data with the redirect of a logout, on a page and on a data request', async () => {
    const { sessions } = tracedSessions()
    for (const isDataRequest of [false, true]) {
      const login = await serve(sessions, eventOf(request()), async (event) => {
        ;(await getSession(event)).data['user'] = 'ada'
        return new Response('page')
      })
      const [Cookie = ''] = login.headers.getSetCookie()
      const event = eventOf(new Request(request(), { headers: { Cookie } }), { isDataRequest })
      const answer = await serve(sessions, event, async (passed) => {
        ;(await getSession(passed)).destroy({ clearSiteData: ['cache'] })
        return Response.redirect('https://app.example/', 303)
      })
      expect(answer.headers.get('Clear-Site-Data')).toBe('"cache"')
      expect(answer.headers.getSetCookie()).toHaveLength(1)
    }
  })

  it('opens no session of its own for what is thrown', async () => {
    const { sessions, calls } = tracedSessions()
    const answer = serve(sessions, eventOf(request()), () => Promise.reject(new Error('planted')))
    await expect(answer).rejects.toThrow('planted')
    expect(calls).toEqual([])
  })
})
