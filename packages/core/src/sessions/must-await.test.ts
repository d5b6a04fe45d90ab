import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../store/memory-store.ts'
import { createSessions } from './sessions.ts'
import { mustAwait } from './must-await.ts'

type Loose = Record<string, unknown>

const setUp = () => createSessions({ store: memoryStore(), cookie: { plainHttp: true } })
const loose = (promise: Promise<unknown>): Loose => promise as unknown as Loose

describe('a call whose await was forgotten', () => {
  it('of get() throws for what a guard asks, and says what to write', async () => {
    const session = loose(setUp().lazy(null).get())
    const guard = (): boolean => session['subject'] === null
    expect(guard).toThrow('Coatcheck: await is missing: (await …).subject')
    expect(() => {
      const { state } = session
      return state
    }).toThrow(TypeError)
    for (const name of ['data', 'id', 'device', 'signIn', 'requireFresh']) {
      expect(() => session[name], name).toThrow('(await …)')
    }
    expect(() => (session['data'] = {})).toThrow('(await …).data')
  })

  it('of commit() throws for the failure', async () => {
    const sessions = setUp()
    const lazy = sessions.lazy(null)
    const opened = await sessions.open(null)
    for (const committing of [lazy.commit(), opened.commit()]) {
      expect(() => loose(committing)['failure']).toThrow('(await …).failure')
      expect(() => loose(committing)['outcome']).toThrow(TypeError)
      await committing
    }
  })

  it('of open() throws too', () => {
    const sessions = setUp()
    expect(() => loose(sessions.open(null))['session']).toThrow('(await …).session')
  })

  it('of destroy() throws too: a sign-out that failed would count as done', async () => {
    const ending = setUp().destroy(null)
    expect(() => loose(ending)['failure']).toThrow('(await …).failure')
    expect((await ending).outcome).toBe('unchanged')
  })

  it('is told nothing where it is awaited, or used as a promise', async () => {
    const sessions = setUp()
    const lazy = sessions.lazy(null)
    const promise = lazy.get()
    const session = await promise
    expect(session.subject).toBeNull()
    expect(promise).toBeInstanceOf(Promise)
    expect(Promise.resolve(promise)).toBe(promise)
    expect(await promise.then(({ state }) => state)).toBe('new')
    expect(await Promise.all([promise, lazy.get()])).toEqual([session, session])
    expect(await promise.finally(() => {})).toBe(session)
    // What React's `use` writes on a promise.
    expect(Object.assign(promise, { status: 'fulfilled', value: session })).toBe(promise)
    expect(() => inspect(promise)).not.toThrow()
    expect(() => JSON.stringify(promise)).not.toThrow()
  })

  it('that rejects still rejects, once', async () => {
    const refused = mustAwait(Promise.reject(new Error('refused')))
    await expect(refused).rejects.toThrow('refused')
    await expect(refused.catch(() => 'caught')).resolves.toBe('caught')
  })
})

describe('a form that is verified without await', () => {
  async function submit(check: (verifying: Promise<boolean>) => unknown) {
    const sessions = setUp()
    const opened = await sessions.open(null)
    const token = await opened.session.csrfToken()
    const { cookie } = await opened.commit()
    const request = new Request('http://localhost/', {
      headers: { Cookie: `${cookie?.name}=${cookie?.value}` },
    })
    return {
      token,
      sessions,
      request,
      answer: sessions.handle(request, async (session) => {
        const answer = await check(session.verifyCsrf('forged'))
        session.data['paid'] = answer
        return Response.json(answer)
      }),
    }
  }

  it('S52: fails aloud, and nothing is saved', async () => {
    const { sessions, request, answer } = await submit((verifying) => Boolean(verifying))
    await expect(answer).rejects.toThrow('session.verifyCsrf() was not awaited')
    expect({ ...(await sessions.open(request)).session.data }).toEqual({})
  })

  it('S52: is not meant by one that is awaited, in whatever way', async () => {
    const ways: readonly ((verifying: Promise<boolean>) => unknown)[] = [
      async (verifying) => await verifying,
      (verifying) => verifying,
      async (verifying) => verifying.then((is) => is),
      async (verifying) => (await Promise.all([verifying, Promise.resolve()]))[0],
      async (verifying) => (await Promise.allSettled([verifying, Promise.resolve()]))[0],
      async (verifying) => Promise.race([verifying, new Promise(() => {})]),
    ]
    for (const way of ways) {
      const response = await (await submit(way)).answer
      expect(response.status).toBe(200)
    }
  })

  it('S52: is refused before an upgrade, which saves nothing', async () => {
    const sessions = setUp()
    const upgrade = sessions.fetch(async (_request: Request, session) => {
      const { verifyCsrf } = await session.get()
      const isVerified: unknown = verifyCsrf('forged')
      return isVerified ? undefined : new Response('', { status: 403 })
    })
    await expect(upgrade(new Request('http://localhost/'))).rejects.toThrow('was not awaited')
  })

  it('S52: does not keep a visitor signed in who signs out', async () => {
    const { sessions, request, answer } = await submit((verifying) => verifying)
    await answer
    const response = await sessions.handle(request, (session) => {
      void session.verifyCsrf('forged')
      session.destroy()
      return new Response()
    })
    expect(response.headers.get('Set-Cookie')).toContain('Max-Age=0')
  })
})
