import type { HandleOptions, OnFailure, Sessions } from '@coatcheck/core'
import { SessionError } from '@coatcheck/core'
import type { RequestEvent } from '@sveltejs/kit'
import { describe, expect, it, vi } from 'vitest'
import type { Data } from '../test/traced-sessions.ts'
import { pageUrl, tracedSessions } from '../test/traced-sessions.ts'
import { createHandle } from './handle.ts'
import { commit, discard, getSession } from './session.ts'
import type { EventWithSession } from './session.ts'

type Event = RequestEvent & EventWithSession<Data>
type Resolve = (event: Event) => Response | Promise<Response>

/** An event as SvelteKit makes it, as far as the hook reads it. */
function eventOf(request: Request, more: Partial<RequestEvent> = {}): RequestEvent {
  const cookies = { set: () => {} }
  const event = { request, url: new URL(request.url), locals: {}, cookies, isSubRequest: false }
  return {
    ...event,
    isDataRequest: false,
    isRemoteRequest: false,
    fetch: globalThis.fetch,
    ...more,
  } as unknown as RequestEvent
}

const newVisitor = (): Request => new Request(pageUrl)

function serve(
  sessions: Sessions<Data>,
  event: RequestEvent,
  resolve: Resolve,
  options?: HandleOptions,
): Promise<Response> {
  const handle = createHandle(sessions, options)
  return handle({ event, resolve: (passed) => resolve(passed as Event) })
}

/** The ways in which SvelteKit's script in the browser asks. */
const scripts: readonly (readonly [string, HeadersInit, Partial<RequestEvent>])[] = [
  ['data request', {}, { isDataRequest: true }],
  ['remote function', {}, { isRemoteRequest: true }],
  ['enhanced form', { 'x-sveltekit-action': 'true' }, {}],
]

describe('createHandle', () => {
  it('opens nothing, and returns the response itself, if the session is not asked for', async () => {
    const { sessions, calls, guest } = tracedSessions()
    const response = new Response('page')
    expect(await serve(sessions, eventOf(await guest()), () => response)).toBe(response)
    expect(calls).toEqual([])
  })

  it('opens the session once, and saves it when the response is there', async () => {
    const { sessions, calls, guest } = tracedSessions()
    await serve(sessions, eventOf(await guest()), async (event) => {
      const [one, other] = await Promise.all([
        getSession(event),
        getSession({ locals: event.locals }),
      ])
      expect(one).toBe(other)
      one.data['visits'] = 1
      calls.push('respond')
      return new Response('page')
    })
    expect(calls).toEqual(['load', 'respond', 'save', 'saved'])
  })

  it('creates the session of a new visitor when the response is there, and sets the cookie', async () => {
    const { sessions, calls } = tracedSessions()
    const answer = await serve(sessions, eventOf(newVisitor()), async (event) => {
      ;(await getSession(event)).data['visits'] = 1
      calls.push('respond')
      return new Response('page')
    })
    expect(calls).toEqual(['respond', 'create', 'created'])
    expect(answer.headers.getSetCookie()).toHaveLength(1)
  })

  it('waits for a session that is still being opened when the response is there', async () => {
    const { sessions } = tracedSessions()
    const answer = await serve(sessions, eventOf(newVisitor()), (event) => {
      void getSession(event).then(({ data }) => void (data['visits'] = 1))
      return new Response('page')
    })
    expect(answer.headers.getSetCookie()).toHaveLength(1)
  })

  it('saves early with commit, which says what was done, and sets the cookie all the same', async () => {
    const { sessions, calls } = tracedSessions()
    const answer = await serve(sessions, eventOf(newVisitor()), async (event) => {
      const { data } = await getSession(event)
      data['visits'] = 1
      const { outcome } = await commit(event)
      expect(() => (data['visits'] = 2)).toThrow(SessionError)
      return new Response(outcome)
    })
    expect([await answer.text(), calls]).toEqual(['created', ['create', 'created']])
    expect(answer.headers.getSetCookie()).toHaveLength(1)
  })

  it('rejects if the session holds a value that cannot be stored', async () => {
    const { sessions } = tracedSessions()
    const answer = serve(sessions, eventOf(newVisitor()), async (event) => {
      ;(await getSession(event)).data['clock'] = () => 0
      return new Response('page')
    })
    await expect(answer).rejects.toMatchObject({ code: 'unsupported-value' })
  })

  it('answers after a commit that was refused, once the changes are discarded', async () => {
    const { sessions } = tracedSessions()
    const answer = await serve(sessions, eventOf(newVisitor()), async (event) => {
      const session = await getSession(event)
      session.data['clock'] = () => 0
      const refusal = await commit(event).catch(({ code }: SessionError) => code)
      session.discard()
      return new Response(String(refusal))
    })
    expect(await answer.text()).toBe('unsupported-value')
    expect(answer.headers.getSetCookie()).toEqual([])
  })

  it('keeps the response of an app that was told that the store cannot be reached', async () => {
    const { sessions, guest, stop } = tracedSessions({ unavailable: 'throw' })
    const event = eventOf(await guest())
    stop()
    const answer = await serve(sessions, event, async (passed) => {
      const reason = await getSession(passed).catch(({ code }: SessionError) => code)
      return new Response(String(reason), { status: 503 })
    })
    expect([answer.status, await answer.text()]).toEqual([503, 'unavailable'])
  })

  it('hands the cookie to SvelteKit if a redirect is thrown, even if its own set throws by then', async () => {
    const { sessions } = tracedSessions()
    const set: unknown[][] = []
    const cookies = { set: (...given: unknown[]) => void set.push(given) }
    const event = eventOf(newVisitor(), { cookies: cookies as unknown as RequestEvent['cookies'] })
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

  it('drops the changes if anything else is thrown, and throws it on', async () => {
    const things = [
      new Error('planted'),
      { status: 403, body: {} },
      Response.json({}),
      'text',
      null,
      undefined,
    ]
    for (const thing of things) {
      const { sessions, calls, guest } = tracedSessions()
      const answer = serve(sessions, eventOf(await guest()), async (event) => {
        ;(await getSession(event)).data['visits'] = 1
        throw thing
      })
      expect(await answer.catch((error: unknown) => ({ error }))).toEqual({ error: thing })
      expect(calls).toEqual(['load', 'discarded'])
    }
  })

  it('throws on what a hook throws, also if the session could not be ended', async () => {
    const { sessions, guest, stop } = tracedSessions({ unavailable: 'throw' })
    const event = eventOf(await guest())
    const fault = new Error('planted')
    const answer = serve(sessions, event, async (passed) => {
      ;(await getSession(passed)).destroy()
      stop()
      throw fault
    })
    await expect(answer).rejects.toBe(fault)
  })

  it('changes no object that the app shares between requests', async () => {
    const { sessions, guest } = tracedSessions()
    const home = new Response(null, { status: 303, headers: { Location: '/' } })
    const done = new Response(null, { status: 204 })
    for (const shared of [home, done]) {
      const before = [...shared.headers]
      for (const [, headers, more] of [...scripts, ['document', {}, {}] as const]) {
        const login = await serve(
          sessions,
          eventOf(new Request(pageUrl, { headers }), more),
          async (event) => {
            ;(await getSession(event)).signIn('ada')
            return shared
          },
        )
        expect(login.headers.getSetCookie()).toHaveLength(1)
        const stranger = new Request(pageUrl, { headers })
        const other = await serve(sessions, eventOf(stranger, more), async (event) => {
          await getSession(event)
          return shared
        })
        expect(other.headers.getSetCookie()).toEqual([])
        expect(other.headers.get('Vary')).toBe('Cookie')
        await serve(sessions, eventOf(await guest(), more), () => shared)
      }
      expect([...shared.headers]).toEqual(before)
    }
  })

  it.each(['made once', 'made twice'])(
    'is one session if it is in a sequence twice, %s',
    async (way) => {
      const { sessions, calls } = tracedSessions()
      const handle = createHandle(sessions)
      const second = way === 'made once' ? handle : createHandle(sessions)
      const visit = async (event: Event, key: string): Promise<void> =>
        void ((await getSession(event)).data[key] = 1)
      const answer = await handle({
        event: eventOf(newVisitor()),
        resolve: async (outer) => {
          await visit(outer as Event, 'outer')
          return second({
            event: outer,
            resolve: async (inner) => {
              await visit(inner as Event, 'inner')
              return new Response('page')
            },
          })
        },
      })
      expect(answer.headers.getSetCookie()).toHaveLength(1)
      expect(calls).toEqual(['create', 'created'])
      const [line = ''] = answer.headers.getSetCookie()
      expect({ ...(await sessions.open(line.split(';')[0])).session.data }).toEqual({
        outer: 1,
        inner: 1,
      })
    },
  )

  it('refuses a second set of sessions on one request, and does not hand it out for the first', async () => {
    const [shop, admin] = [tracedSessions(), tracedSessions()]
    const answer = serve(shop.sessions, eventOf(newVisitor()), (event) =>
      serve(admin.sessions, event, () => new Response('the session of the admin')),
    )
    await expect(answer).rejects.toThrow(/another createSessions.*paths of its own/)
  })

  it('tells caches that the response is this visitor’s alone, even if the session is read after it', async () => {
    const { sessions } = tracedSessions()
    const answer = await serve(sessions, eventOf(newVisitor()), async (event) => {
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
    const { sessions, guest } = tracedSessions()
    for (const isDataRequest of [false, true]) {
      const event = eventOf(await guest(), { isDataRequest })
      const answer = await serve(sessions, event, async (passed) => {
        ;(await getSession(passed)).destroy({ clearSiteData: ['cache'] })
        return Response.redirect(pageUrl, 303)
      })
      expect(answer.headers.get('Clear-Site-Data')).toBe('"cache"')
      expect(answer.headers.getSetCookie()).toHaveLength(1)
    }
  })

  it('opens no session of its own if something is thrown', async () => {
    const { sessions, calls, guest } = tracedSessions()
    const answer = serve(sessions, eventOf(await guest()), () =>
      Promise.reject(new Error('planted')),
    )
    await expect(answer).rejects.toThrow('planted')
    expect(calls).toEqual([])
  })

  it('keeps the session when a sub-request fails and its handleError calls discard', async () => {
    const { sessions, calls } = tracedSessions()
    const handle = createHandle(sessions)
    const failing = async (event: RequestEvent): Promise<Response> => {
      discard(event as Event)
      return new Response('failed', { status: 500 })
    }
    const fetch: typeof globalThis.fetch = (input, init) =>
      handle({
        event: eventOf(new Request(input, init), { isSubRequest: true }),
        resolve: failing,
      })
    const event = eventOf(newVisitor(), { fetch })
    const page = async (passed: RequestEvent): Promise<Response> => {
      ;(await getSession(passed as Event)).data['cart'] = 'coat'
      const { status } = await passed.fetch(new URL('/api', pageUrl))
      return new Response(`added, ${status}`)
    }
    const answer = await handle({ event, resolve: page })
    expect([await answer.text(), calls]).toEqual(['added, 500', ['create', 'created']])
  })

  it('converts a redirect for SvelteKit’s script, with all cookies', async () => {
    for (const [, headers, more] of scripts) {
      const { sessions } = tracedSessions()
      const event = eventOf(new Request(pageUrl, { headers }), more)
      const answer = await serve(sessions, event, async (passed) => {
        ;(await getSession(passed)).data['visits'] = 1
        const response = new Response('moved', { status: 303, headers: { Location: '/landed' } })
        response.headers.append('Set-Cookie', 'flash=moved')
        return response
      })
      expect(await answer.json()).toEqual({ type: 'redirect', status: 303, location: '/landed' })
      expect([answer.status, answer.headers.get('Location')]).toEqual([200, null])
      expect(answer.headers.get('Content-Type')).toBe('application/json')
      expect(answer.headers.get('Cache-Control')).toBe('private, no-store')
      expect(answer.headers.getSetCookie()).toHaveLength(2)
    }
  })
})

describe('a commit that failed', () => {
  const signIn: Resolve = async (event) => {
    ;(await getSession(event)).signIn('ada')
    return Response.redirect(pageUrl, 303)
  }

  it('answers a sign-in or a sign-out that was not done with 503, and no cookie', async () => {
    const signOut: Resolve = async (event) => {
      ;(await getSession(event)).destroy()
      return Response.redirect(pageUrl, 303)
    }
    for (const resolve of [signIn, signOut]) {
      const { sessions, guest, stop } = tracedSessions()
      const event = eventOf(await guest())
      stop()
      const answer = await serve(sessions, event, resolve)
      expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '5'])
      expect(answer.headers.getSetCookie()).toEqual([])
    }
  })

  it('lets the response go if a plain change was lost', async () => {
    const { sessions, guest, stop, calls } = tracedSessions()
    const event = eventOf(await guest())
    stop()
    const answer = await serve(sessions, event, async (passed) => {
      ;(await getSession(passed)).data['visits'] = 1
      return new Response('counted')
    })
    expect([answer.status, await answer.text()]).toEqual([200, 'counted'])
    expect(calls.at(-1)).toBe('unavailable')
  })

  it('answers instead of a redirect that a hook throws', async () => {
    const { sessions, guest, stop } = tracedSessions()
    const event = eventOf(await guest())
    stop()
    const answer = await serve(sessions, event, async (passed) => {
      await signIn(passed)
      throw { status: 303, location: '/landed' }
    })
    expect(answer.status).toBe(503)
  })

  it('calls onFailure of createHandle, or of createSessions, with the response', async () => {
    const onFailure = vi.fn<OnFailure>(() => new Response('later', { status: 500 }))
    for (const [ofSessions, ofHandle] of [
      [{ onFailure }, {}],
      [{}, { onFailure }],
      [{ onFailure: () => new Response('not this') }, { onFailure }],
    ]) {
      onFailure.mockClear()
      const { sessions, guest, stop } = tracedSessions(ofSessions)
      const event = eventOf(await guest())
      stop()
      const answer = await serve(sessions, event, signIn, ofHandle)
      expect([answer.status, await answer.text()]).toEqual([500, 'later'])
      expect(onFailure).toHaveBeenCalledTimes(1)
      const [failure, response] = onFailure.mock.calls[0] ?? []
      expect(failure).toEqual({ outcome: 'unavailable', asked: 'sign-in' })
      expect(response?.status).toBe(303)
    }
  })

  it('lets the response go if onFailure returns nothing', async () => {
    const { sessions, guest, stop } = tracedSessions()
    const event = eventOf(await guest())
    stop()
    const answer = await serve(sessions, event, signIn, { onFailure: () => {} })
    expect(answer.status).toBe(303)
  })

  it('is an error that SvelteKit’s script can read', async () => {
    for (const [name, headers, more] of scripts) {
      const { sessions, stop } = tracedSessions()
      const event = eventOf(new Request(pageUrl, { headers }), more)
      stop()
      const answer = await serve(sessions, event, signIn)
      expect([name, answer.status, answer.headers.get('Retry-After')]).toEqual([name, 503, '5'])
      const error = { status: 503, message: expect.stringMatching(/^You could not be signed in/) }
      expect(await answer.json()).toEqual({ type: 'error', ...error, error })
    }
  })

  it('leaves any other text to SvelteKit’s script as it is', async () => {
    const { sessions, guest } = tracedSessions()
    const event = eventOf(await guest(), { isDataRequest: true })
    const answer = await serve(sessions, event, async (passed) => {
      await getSession(passed)
      return new Response('refused', { status: 403 })
    })
    expect([answer.status, await answer.text()]).toEqual([403, 'refused'])
  })
})
