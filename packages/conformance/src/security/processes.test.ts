/** Processes that are killed, and one that must keep running. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createSessions } from '@coatcheck/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../engines.ts'
import type { EngineServer } from '../engines.ts'
import { openStore } from '../open-store.ts'
import { createVisitor, increment } from '../visitor.ts'

const secret = 'a secret of thirty-two bytes, or so'
const name = '__Host-Http-sid'

interface Renewal {
  readonly signal: string | null
  readonly made: readonly string[]
  readonly answered: string | null
}

/** Has a process renew the session, and reads what it said before it was killed. */
async function renewIn(server: EngineServer, cookie: string, where: string): Promise<Renewal> {
  const file = fileURLToPath(new URL('renewer.ts', import.meta.url))
  const child = execFile(process.execPath, [file, server.url, secret, cookie, where])
  const said = text(child.stdout as NonNullable<typeof child.stdout>)
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  const tokens = (word: string, from: string): string[] =>
    [...from.matchAll(new RegExp(`^${word} (\\S+)$`, 'gm'))].map(([, token = '']) => token)
  const output = await said
  return { signal, made: tokens('made', output), answered: tokens('answered', output)[0] ?? null }
}

describe.each(engines)(
  'a process that is killed while it renews a session on $name',
  ({ start }) => {
    let server: EngineServer
    beforeAll(async () => void (server = await start()))
    afterAll(() => server.end())

    const points: readonly (readonly [where: string, old: boolean | null, made: boolean | null])[] =
      [
        ['before create', true, false],
        ['in create', true, null],
        ['before save', true, true],
        ['in save', null, true],
        ['before the answer', false, true],
        ['after the answer', false, true],
        ['nowhere', false, true],
      ]

    it.each(points)(
      'T6: %s, leaves at most one token that a visitor has and that works',
      async (where, old, made) => {
        const store = openStore(server.url, { deadline: 5000 })
        const sessions = createSessions<Record<string, unknown>>({ store, secrets: [secret] })
        const visitor = createVisitor(sessions)
        await visitor.visit(increment)
        const before = visitor.cookie
        const renewal = await renewIn(server, before, where)
        expect(renewal.signal).toBe(where === 'nowhere' ? null : 'SIGKILL')
        expect(renewal.made).toHaveLength(1)
        const isLive = async (cookie: string): Promise<boolean> =>
          (await sessions.open(cookie)).session.state === 'live'
        const [token = ''] = renewal.made
        const [isOldLive, isMadeLive] = [await isLive(before), await isLive(`${name}=${token}`)]
        if (old !== null) expect(isOldLive).toBe(old)
        if (made !== null) expect(isMadeLive).toBe(made)
        // The visitor has the old token until the response arrives. A token made before that is unknown to all.
        if (renewal.answered !== null) expect([renewal.answered, isOldLive]).toEqual([token, false])
        store.close()
      },
    )
  },
)

describe.each(engines)(
  'a process that keeps serving while $name is frozen, killed and restarted',
  (engine) => {
    let server: EngineServer
    beforeAll(async () => void (server = await engine.start()))
    afterAll(() => server.end())

    const file = fileURLToPath(new URL('busy-process.ts', import.meta.url))
    const start = (...args: readonly string[]) =>
      spawn(process.execPath, ['--unhandled-rejections=strict', file, server.url, ...args])

    it('S38: ends by itself, without an unhandled error', async () => {
      const child = start()
      const errors = text(child.stderr)
      const exit = once(child, 'exit')
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
      const hear = async (word: string): Promise<string> => {
        for (;;) {
          const { value, done } = await lines.next()
          if (done === true) throw new Error(`ended before ${word}: ${await errors}`)
          if (value.startsWith(word)) return value
        }
      }
      await hear('ready')
      for (const fault of ['freeze', 'kill', 'freeze', 'kill']) {
        if (fault === 'freeze') server.pause()
        else await server.kill()
        await hear('away')
        if (fault === 'freeze') server.resume()
        else await server.restart()
        await hear('back')
      }
      child.stdin.end()
      const visits = Number((await hear('visits')).split(' ')[1])
      const [code] = await exit
      expect([code, await errors]).toEqual([0, ''])
      expect(visits).toBeGreaterThan(100)
    }, 120_000)

    it('S38: does not survive one unhandled rejection, so the test notices', async () => {
      const child = start('unhandled')
      const errors = text(child.stderr)
      child.stdout.resume()
      const [code] = await once(child, 'exit')
      expect(code).not.toBe(0)
      expect(await errors).toContain('an unhandled rejection')
    })
  },
)
