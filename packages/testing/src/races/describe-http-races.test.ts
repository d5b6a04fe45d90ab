import { describe, expect, it } from 'vitest'
import { memoryStore } from '@coatcheck/core/memory'
import { createSessions, sum } from '@coatcheck/core'
import type { Session, SessionStore } from '@coatcheck/core'
import { describeHttpRaces } from './describe-http-races.ts'

type Data = Record<string, unknown>

/** The application that the tests need. */
function createApp(store: SessionStore): (request: Request) => Promise<Response> {
  const sessions = createSessions<Data>({ store, merge: { visits: sum } })
  return async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    const body = request.body === null ? {} : ((await request.json()) as Data)
    return sessions.handle(request, async (session) => {
      void session.data
      const delay = Number(searchParams.get('delay') ?? 0)
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay))
      routes[`${request.method} ${pathname}`]?.(session, body)
      const isOver = pathname === '/api/logout'
      return Response.json(
        isOver ? { state: 'new', data: {} } : { state: session.state, data: session.data },
      )
    })
  }
}

const routes: Readonly<Record<string, (session: Session<Data>, body: Data) => void>> = {
  'PATCH /api/session'({ data }, body) {
    Object.assign(data, body['set'])
    for (const key of (body['delete'] as string[] | undefined) ?? []) delete data[key]
  },
  'POST /api/increment': ({ data }) =>
    void (data['visits'] = ((data['visits'] as number) ?? 0) + 1),
  'POST /api/login'(session, body) {
    session.renew()
    session.data['user'] = body['user']
  },
  'POST /api/logout': (session) => session.destroy(),
}

const url = 'http://app.example'

describeHttpRaces(
  'an app on memoryStore',
  { url, fetch: createApp(memoryStore()) },
  { describe, it },
)

/** Runs the race tests without a test runner. Returns the sentences that the application breaks. */
async function broken(fetch: (request: Request) => Promise<Response>): Promise<string[]> {
  const tests: { readonly sentence: string; readonly fn: () => void | Promise<void> }[] = []
  describeHttpRaces(
    'planted',
    { url: () => url, fetch },
    {
      describe: (_, fn) => fn(),
      it: (sentence, fn) => tests.push({ sentence, fn }),
    },
  )
  const ends = await Promise.allSettled(tests.map(async ({ fn }) => fn()))
  return tests.filter((_, at) => ends[at]?.status === 'rejected').map(({ sentence }) => sentence)
}

/** Reads the whole data and writes the whole data back, like most session middleware. */
function naiveApp(): (request: Request) => Promise<Response> {
  const sessions = new Map<string, string>()
  return async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    const sent = request.headers.get('Cookie')?.split('=')[1] ?? ''
    const data = JSON.parse(sessions.get(sent) ?? '{}') as Data
    const isNew = !sessions.has(sent)
    await new Promise((resolve) => setTimeout(resolve, Number(searchParams.get('delay') ?? 0)))
    const id = isNew ? crypto.randomUUID() : sent
    const body = request.body === null ? {} : ((await request.json()) as Data)
    let ended = false
    const session = { data, renew() {}, destroy: () => void (ended = true) }
    routes[`${request.method} ${pathname}`]?.(session as unknown as Session<Data>, body)
    if (ended) sessions.delete(id)
    else if (request.method !== 'GET') sessions.set(id, JSON.stringify(data))
    const answer = Response.json({ state: isNew ? 'new' : 'live', data })
    if (ended) answer.headers.append('Set-Cookie', 'id=; Max-Age=0')
    else if (isNew && request.method !== 'GET') answer.headers.append('Set-Cookie', `id=${id}`)
    return answer
  }
}

describe('describeHttpRaces catches an app', () => {
  it('that writes back the whole session: it loses updates, and logouts', async () => {
    const found = await broken(naiveApp())
    expect(found).toEqual(
      expect.arrayContaining([
        '30 requests at once that set keys of their own: all are kept',
        '30 requests at once that count: 30 are counted',
        'a deletion while another request writes stays',
        'a logout while another request writes: no cookie, and nothing comes back',
        'a login while another request writes: no cookie, and the old one is dead',
      ]),
    )
  })

  it('whose store creates what a save does not find: ended sessions come back', async () => {
    const sound = memoryStore()
    const store: SessionStore<number> = {
      inProcess: true,
      load: (...args) => sound.load(...args),
      create: (...args) => sound.create(...args),
      delete: (...args) => sound.delete(...args),
      async save(id, bytes, expiresAt, version) {
        const result = await sound.save(id, bytes, expiresAt, version)
        if (result !== 'missing') return result
        return (await sound.create(id, bytes, expiresAt)) ? 'saved' : 'conflict'
      },
    }
    expect(await broken(createApp(store as SessionStore))).toContain(
      'a logout while another request writes: no cookie, and nothing comes back',
    )
  })
})
