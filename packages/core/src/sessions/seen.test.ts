/** What moves the idle end of a session is told to its subject's list, whichever way the app takes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../store/memory-store.ts'
import type { SessionStore } from '../store/store.ts'
import { createSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'

type Data = Record<string, unknown>

const idle = 400_000

interface Made {
  readonly sessions: Sessions<Data>
  readonly clock: { now: number }
  readonly login: () => Promise<string>
}

function make(wrap: (store: SessionStore) => SessionStore = (store) => store): Made {
  const clock = { now: 1.7e12 }
  const now = (): number => clock.now
  const sessions = createSessions<Data>({
    store: wrap(memoryStore({ now })),
    namespace: 'seen',
    lifetime: { idle: idle / 1000 },
    testing: { now },
    onEvent() {},
  })
  const login = async (): Promise<string> => {
    const { session, commit } = await sessions.open('')
    session.signIn('zoë')
    return (await commit()).cookie!.header.split(';')[0]!
  }
  return { sessions, clock, login }
}

type Use = (sessions: Sessions<Data>, cookie: string) => Promise<unknown>

const change = (data: Data): void => void (data['n'] = Number(data['n'] ?? 0) + 1)

const uses: Readonly<Record<string, Use>> = {
  'open, and no commit': (sessions, cookie) => sessions.open(cookie),
  'open and commit': async (sessions, cookie) => (await sessions.open(cookie)).commit(),
  'open and discard': async (sessions, cookie) => {
    const { session, commit } = await sessions.open(cookie)
    session.discard()
    await commit()
  },
  'a lazy session that is read and not ended': (sessions, cookie) =>
    sessions.lazy(cookie, { readOnly: 'here' }).get(),
  'a change of a request that is no use': async (sessions, cookie) => {
    const { session, commit } = await sessions.open(cookie, { touch: false })
    change(session.data)
    await commit()
  },
  'a change after the response': async (sessions, cookie) => {
    const lazy = sessions.lazy(cookie, { touch: false })
    await lazy.end()
    await lazy.saveLate(change)
  },
  handle: (sessions, cookie) => {
    const request = new Request('https://app.example/', { headers: { cookie } })
    return sessions.handle(request, () => new Response('ok'))
  },
}

const byName = Object.entries(uses)

describe('a session in use', () => {
  it.each(byName)('E3: is in the list, and no login ends it: %s', async (_name, use) => {
    const { sessions, clock, login } = make()
    const cookie = await login()
    for (let times = 0; times < 6; times++) {
      clock.now += idle / 4
      await use(sessions, cookie)
    }
    expect(await sessions.list('zoë')).toMatchObject([{ seenAt: new Date(clock.now) }])
    await login()
    expect((await sessions.open(cookie)).session.state).toBe('live')
  })

  it('E3: is in the list for as long as it is in the store, whatever uses it has, and when', async () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: idle + 9 }),
      use: fc.constantFrom('a login', 'a look', ...Object.keys(uses)),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { sessions, clock, login } = make()
        const cookie = await login()
        const [first] = await sessions.list('zoë')
        let end = clock.now + idle
        for (const { wait, use } of steps) {
          clock.now += wait
          const isAlive = clock.now < end
          const listed = await sessions.list('zoë')
          if (isAlive) expect(listed.map(({ ref }) => ref)).toContain(first!.ref)
          if (use === 'a login') await login()
          else if (use !== 'a look' && isAlive) {
            await uses[use]!(sessions, cookie)
            end = clock.now + idle
          }
          const { session } = await sessions.open(cookie, { touch: false })
          expect(session.state).toBe(isAlive ? 'live' : 'new')
          if (!isAlive) return
        }
      }),
    )
  })

  it('E1: is ended by no login below the limit if the store failed when the list was to be told', async () => {
    let fails = false
    const { sessions, clock, login } = make((store) => ({
      load: (...args) => store.load(...args),
      create: (...args) => store.create(...args),
      delete: (...args) => store.delete(...args),
      save: (...args) => (fails ? Promise.reject(new Error('it is down')) : store.save(...args)),
    }))
    const cookie = await login()
    fails = true
    for (let times = 0; times < 6; times++) {
      clock.now += idle / 4
      await sessions.open(cookie)
    }
    fails = false
    await login()
    expect((await sessions.open(cookie)).session.state).toBe('live')
    expect(await sessions.list('zoë')).toHaveLength(2)
  })
})
