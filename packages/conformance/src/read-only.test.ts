import { runInThisContext } from 'node:vm'
import { createSessions, SessionError } from '@coatcheck/core'
import type { Session, Sessions } from '@coatcheck/core'
import { expect, it } from 'vitest'
import { describeOnAll } from './backends.ts'

type Data = Record<string, unknown>

const values = () => ({
  user: { name: 'ada' },
  cart: ['ticket'],
  seen: new Set([1]),
  by: new Map([['a', 1]]),
  since: new Date(5),
})

/** Run as sloppy code, in which the engine would leave most of them out without a word. */
const writes = [
  'session.data.flash = 1',
  'session.data.user = 1',
  'delete session.data.user',
  'Object.defineProperty(session.data, "flash", { value: 1 })',
  'session.data.user.name = "eve"',
  'session.data.user.age = 1',
  'delete session.data.user.name',
  'session.data.cart.push("hat")',
  'session.data.cart[0] = "hat"',
  'session.data.cart.length = 0',
  'session.data.seen.add(2)',
  'session.data.by.set("b", 2)',
  'session.data.since.setTime(0)',
].map((source) => {
  const write = runInThisContext(`(session) => { ${source} }`) as (session: Session<Data>) => void
  return [source, write] as const
})

const advice = 'Here a session can only be read: change it in an action'

describeOnAll('a session that cannot be changed', (backend) => {
  const sessions: Sessions<Data> = createSessions<Data>({
    store: backend.store,
    secrets: ['a secret of thirty-two bytes, or so'],
    testing: { now: backend.now },
  })

  async function begin(): Promise<string> {
    const { session, commit } = await sessions.open(null)
    Object.assign(session.data, values())
    const { cookie } = await commit()
    return `${cookie?.name}=${cookie?.value}`
  }

  function refused(session: Session<Data>, code: string, text: string): void {
    for (const [source, write] of writes) {
      let error: unknown
      try {
        write(session)
      } catch (thrown) {
        error = thrown
      }
      expect([source, error]).toEqual([source, expect.any(SessionError)])
      expect([source, error]).toMatchObject([source, { code }])
      expect(String(error)).toContain(text)
    }
  }

  const stored = async (cookie: string): Promise<Data> => ({
    ...(await sessions.open(cookie)).session.data,
  })

  it('F8: a read-only one refuses every write with its advice, in sloppy code too', async () => {
    const cookie = await begin()
    const lazy = sessions.lazy(cookie, { readOnly: advice, touch: false })
    const session = await lazy.get()
    expect(session.data).toEqual(values())
    refused(session, 'read-only', advice)
    expect((await lazy.end())?.outcome).toBe('unchanged')
    expect(await stored(cookie)).toEqual(values())
  })

  it('F8: so does one that is locked after it was read', async () => {
    const cookie = await begin()
    const { session, lock, commit } = await sessions.open(cookie)
    expect(session.data).toEqual(values())
    lock(advice)
    refused(session, 'read-only', advice)
    expect((await commit()).outcome).toBe('unchanged')
  })

  it('F8: so does one that was saved, and its data that were taken before do so in strict code', async () => {
    const cookie = await begin()
    const { session, commit } = await sessions.open(cookie)
    const data = session.data as ReturnType<typeof values> & Data
    data['more'] = 1
    void [data.user, data.cart, data.seen, data.by, data.since]
    await commit()
    refused(session, 'committed', 'after the session was saved')
    for (const write of [
      () => void (data.user = { name: 'eve' }),
      () => void (data['flash'] = 1),
      () => void (data.user.name = 'eve'),
      () => data.cart.push('hat'),
      () => data.seen.add(2),
      () => data.by.set('b', 2),
      () => data.since.setTime(0),
    ]) {
      expect(write).toThrow()
    }
    expect(await stored(cookie)).toEqual({ ...values(), more: 1 })
  })

  it('F8: so does one that was asked for after the end', async () => {
    const lazy = sessions.lazy(await begin())
    await lazy.end()
    refused(await lazy.get(), 'read-only', 'after the response')
  })

  it('F8: a session that can be changed holds ordinary objects, also after another was locked', async () => {
    const cookie = await begin()
    ;(await sessions.open(cookie)).lock(advice)
    for (const [, write] of writes) {
      const { session } = await sessions.open(cookie)
      expect(structuredClone(session.data)).toEqual(values())
      expect(() => write(session)).not.toThrow()
    }
  })
})
