import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createSessions, sum } from '@coatcheck/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import type { EngineServer } from './engines.ts'
import { openStore } from './open-store.ts'

type Data = Record<string, unknown>

let server: EngineServer

/** As the worker's: a session that a worker is given must open there. */
function connect() {
  const store = openStore(server.url, { deadline: 5000 })
  return { store, sessions: createSessions<Data>({ store, merge: { counter: sum } }) }
}

async function signIn({ sessions }: ReturnType<typeof connect>): Promise<string> {
  const { session, commit } = await sessions.open('')
  session.data['counter'] = 0
  const { cookie } = await commit()
  return `${cookie?.name}=${cookie?.value}`
}

async function commandsOf(work: () => Promise<void>): Promise<number> {
  const before = await server.commands()
  await work()
  return (await server.commands()) - before
}

/** One of several processes: sends eight requests at once after a line on stdin. */
async function startWorker(cookie: string, from: number): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('./worker.ts', import.meta.url))
  const args = [file, server.url, cookie, String(from), '8']
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')
  return child
}

async function run(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit')
  child.stdin?.write('go\n')
  const [code] = await ended
  return code
}

describe.each(engines)(
  'S89: 32 requests at once that write to one session, on $name',
  ({ start }) => {
    beforeAll(async () => void (server = await start()))
    afterAll(() => server.end())

    it('in one process: at most three commands a request, and no update is lost', async () => {
      const own = connect()
      const cookie = await signIn(own)
      const commands = await commandsOf(async () => {
        const ends = await Promise.all(
          Array.from({ length: 32 }, async (_, at) => {
            const {
              session: { data },
              commit,
            } = await own.sessions.open(cookie)
            data['counter'] = (data['counter'] as number) + 1
            data[`own${at}`] = true
            return (await commit()).outcome
          }),
        )
        expect(new Set(ends)).toEqual(new Set(['saved']))
      })
      const { data } = (await own.sessions.open(cookie)).session
      own.store.close()
      expect(data['counter']).toBe(32)
      expect(Object.keys(data)).toHaveLength(33)
      expect(commands / 32).toBeLessThanOrEqual(3)
      expect(commands).toBeGreaterThan(32)
    })

    it('in four processes: at most eight commands a request, and no update is lost', async () => {
      const own = connect()
      const cookie = await signIn(own)
      const workers = await Promise.all([0, 8, 16, 24].map((from) => startWorker(cookie, from)))
      const commands = await commandsOf(async () => {
        expect(await Promise.all(workers.map(run))).toEqual([0, 0, 0, 0])
      })
      const { data } = (await own.sessions.open(cookie)).session
      own.store.close()
      expect(data['counter']).toBe(32)
      expect(Object.keys(data)).toHaveLength(33)
      expect(commands / 32).toBeLessThanOrEqual(8)
    })
  },
)

describe.each(engines)('without the queue of commits, on $name', ({ start }) => {
  beforeAll(async () => void (server = await start()))
  afterAll(() => server.end())

  it('32 clients need more than three commands a request, so the bound says something', async () => {
    const cookie = await signIn(connect())
    const all = Array.from({ length: 32 }, connect)
    const commands = await commandsOf(async () => {
      await Promise.all(
        all.map(async ({ sessions }) => {
          const {
            session: { data },
            commit,
          } = await sessions.open(cookie)
          data['counter'] = (data['counter'] as number) + 1
          await commit()
        }),
      )
    })
    for (const { store } of all) store.close()
    expect(commands / 32).toBeGreaterThan(3)
  })
})
