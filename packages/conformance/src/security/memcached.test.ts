/** What memcached does with sizes, times and touches, seen by a session. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createSessions } from '@coatcheck/core'
import type { SessionEvent, Sessions, SessionsOptions } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createVisitor, increment } from '../visitor.ts'

type Data = Record<string, unknown>

const secrets = ['a secret of thirty-two bytes, or so']
const day = 86_400
let memcached: MemcachedProcess
let store: ReturnType<typeof memcachedStore>
let events: SessionEvent[]

const build = (options: Partial<SessionsOptions<Data>> = {}): Sessions<Data> =>
  createSessions<Data>({ store, secrets, onEvent: (event) => events.push(event), ...options })

async function keyOf(sessions: Sessions<Data>, cookie: string): Promise<string> {
  return `coatcheck:${(await sessions.open(cookie)).session.id}`
}

beforeEach(async () => {
  memcached = await startMemcached()
  store = memcachedStore({ servers: memcached.address, deadline: 2000 })
  events = []
})
afterEach(async () => {
  store.close()
  await memcached.kill()
})

it('S82, T15: a session that grows too large is refused, and stands as it was', async () => {
  const sessions = build({ maxBytes: 1_000_000 })
  const visitor = createVisitor(sessions)
  await visitor.visit(increment)
  for (const length of [1_000_000, 2_000_000]) {
    const grow = visitor.visit(({ data }) => void (data['large'] = 'x'.repeat(length)))
    await expect(grow).rejects.toMatchObject({ code: 'too-large' })
    expect((await visitor.visit(() => {})).data).toEqual({ counter: 1 })
  }
  await visitor.visit(({ data }) => void (data['large'] = 'x'.repeat(990_000)))
  const { data } = await visitor.visit(() => {})
  expect((data as { large: string }).large).toHaveLength(990_000)
})

it('S83: lifetimes above 30 days are not taken for a date in the past', async () => {
  const sessions = build({ lifetime: { idle: 90 * day, absolute: 400 * day } })
  const visitor = createVisitor(sessions)
  await visitor.visit((session) => session.signIn('user-1'))
  expect((await visitor.visit(() => {})).state).toBe('live')
  const key = await keyOf(sessions, visitor.cookie)
  for (const each of [key, ...(await memcached.keys())]) {
    const ttl = (await memcached.ttl(each)) as number
    expect(ttl).toBeGreaterThan(29 * day)
  }
})

it('S84, T12: memcached keeps a record a second longer than the session lives', async () => {
  const sessions = build({ lifetime: { idle: 100 } })
  const visitor = createVisitor(sessions)
  await visitor.visit((session) => session.signIn('user-1'))
  const ttl = (await memcached.ttl(await keyOf(sessions, visitor.cookie))) as number
  expect(ttl).toBeGreaterThanOrEqual(99)
  expect(ttl).toBeLessThanOrEqual(102)
})

it('S87, T13: 32 readers that move the expiry cause no conflict for a writer', async () => {
  const sessions = build()
  const visitor = createVisitor(sessions)
  await visitor.visit(increment)
  const { session, commit } = await sessions.open(visitor.cookie)
  session.data['mine'] = true
  await Promise.all(Array.from({ length: 32 }, () => sessions.open(visitor.cookie)))
  events.length = 0
  await commit()
  expect(events).toMatchObject([{ type: 'commit', outcome: 'saved', tries: 1 }])
  const { casStale } = await memcached.commands()
  expect(casStale).toBe(0)
})

it('T7, S10: a logout that did not reach memcached is refused here, tried again, and then dead everywhere', async () => {
  let wake = (): void => {}
  const wait = (): Promise<void> => new Promise((resolve) => (wake = resolve))
  const sessions = build({ testing: { wait } })
  const visitor = createVisitor(sessions)
  await visitor.visit(increment)
  const { cookie } = visitor
  const quick = memcachedStore({ servers: memcached.address, deadline: 200 })
  const leaving = build({ store: quick, testing: { wait } })
  const { session, commit } = await leaving.open(cookie)
  session.destroy()
  memcached.pause()
  expect(await commit()).toMatchObject({ outcome: 'unconfirmed', cookie: null })
  memcached.resume()
  expect((await leaving.open(cookie)).session.state).toBe('new')
  const elsewhere = build()
  for (let tries = 0; tries < 100; tries++) {
    wake()
    await new Promise((resolve) => setTimeout(resolve, 50))
    if ((await elsewhere.open(cookie)).session.state === 'new') break
  }
  expect((await elsewhere.open(cookie)).session.state).toBe('new')
  quick.close()
})

it('T1, T14: after a flush 5,000 requests ask once each, and bring nothing back', async () => {
  const sessions = build()
  const visitors = Array.from({ length: 500 }, () => createVisitor(sessions))
  for (const visitor of visitors) await visitor.visit(increment)
  await memcached.flush()
  const before = (await memcached.commands()).total
  for (let round = 0; round < 10; round++) {
    const again = visitors.map(({ cookie }) => createVisitor(sessions, cookie))
    const answers = await Promise.all(again.map((visitor) => visitor.visit(() => {})))
    for (const answer of answers) expect(answer).toMatchObject({ state: 'new', setCookies: [] })
  }
  // One command that flushed, and one for each request.
  expect((await memcached.commands()).total - before).toBeLessThanOrEqual(5001)
  expect(await memcached.keys()).toEqual([])
})

it('T19: a request that lasts for an hour saves by what is in the store then, not by what it saw', async () => {
  let ahead = 0
  const sessions = build({ testing: { now: () => Date.now() + ahead }, lifetime: { idle: 7200 } })
  const visitor = createVisitor(sessions)
  await visitor.visit(increment)
  const stream = await sessions.open(visitor.cookie)
  await visitor.visit(increment)
  ahead = 3_600_000
  stream.session.data['seen'] = true
  expect((await stream.commit()).outcome).toBe('saved')
  expect((await visitor.visit(() => {})).data).toEqual({ counter: 2, seen: true })
  const late = await sessions.open(visitor.cookie)
  await visitor.visit((session) => session.destroy())
  late.session.data['late'] = true
  expect((await late.commit()).outcome).toBe('gone')
})

it('S11, S14: a revocation by another process is seen by this one at its next read', async () => {
  const sessions = build()
  const visitors = [createVisitor(sessions), createVisitor(sessions)]
  for (const visitor of visitors) {
    await visitor.visit((session) => session.signIn('user-1'))
    expect((await visitor.visit(() => {})).state).toBe('live')
  }
  const revoker = fileURLToPath(new URL('revoker.ts', import.meta.url))
  const [secret = ''] = secrets
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, [revoker, memcached.address, secret, 'user-1'])
  expect(stdout).toBe('revoked')
  for (const visitor of visitors) expect((await visitor.visit(() => {})).state).toBe('new')
})
