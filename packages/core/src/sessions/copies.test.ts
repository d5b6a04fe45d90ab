import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import * as here from '../index.ts'
import type * as errors from '../errors.ts'
import { memoryStore } from '../store/memory-store.ts'
import type * as sessionsFile from './sessions.ts'

/** A second copy of each file: what a bundler makes that puts the core into several bundles. */
const copy = async <module>(file: string): Promise<module> =>
  (await import(/* @vite-ignore */ file)) as module
const { SessionError } = await copy<typeof errors>('../errors.ts?copy')
const { createSessions } = await copy<typeof sessionsFile>('./sessions.ts?copy')

const makeSessions = (make: typeof createSessions, store = memoryStore()): here.Sessions<object> =>
  make({ store, secrets: ['a secret that is 32 characters long'], namespace: 'copies' })

async function cookieOf(opened: here.Opened<object>): Promise<string> {
  const { cookie } = await opened.commit()
  return `${cookie?.name}=${cookie?.value}`
}

describe('two copies of the core in one process', () => {
  it('are two', () => {
    expect(SessionError).not.toBe(here.SessionError)
    expect(createSessions).not.toBe(here.createSessions)
  })

  it('S52: a form made by one is believed by the other', async () => {
    const store = memoryStore()
    const first = await makeSessions(here.createSessions, store).open('')
    const token = await first.session.csrfToken()
    const second = await makeSessions(createSessions, store).open(await cookieOf(first))
    expect(await second.session.verifyCsrf(token)).toBe(true)
    expect(await second.session.verifyCsrf('x')).toBe(false)
  })

  it('S12: one ends all sessions but that which the other opened', async () => {
    const store = memoryStore()
    const sessions = makeSessions(here.createSessions, store)
    const signIn = async (): Promise<string> => {
      const opened = await sessions.open('')
      opened.session.signIn('ann')
      return cookieOf(opened)
    }
    const [kept, ended] = [await signIn(), await signIn()]
    const { session } = await sessions.open(kept)
    const others = makeSessions(createSessions, store)
    expect(await others.revoke('ann', { except: session })).toBe('revoked')
    expect((await others.open(kept)).session.state).toBe('live')
    expect((await others.open(ended)).session.state).toBe('new')
  })

  it('instanceof knows the errors of both, and nothing else', () => {
    class Own extends here.SessionError {}
    const foreign = new SessionError('too-large', 'x')
    expect(foreign).toBeInstanceOf(here.SessionError)
    expect(foreign).not.toBeInstanceOf(Own)
    expect(new Own('too-large', 'x')).toBeInstanceOf(SessionError)
    expect(new Own('too-large', 'x')).toBeInstanceOf(Own)
    const impostors = [
      new Error('x'),
      { name: 'SessionError', code: 'too-large' },
      null,
      'x',
      undefined,
    ]
    expect(impostors.filter((each) => each instanceof here.SessionError)).toEqual([])
  })

  it('S23: what they share cannot be read from the session, nor the brand from the error', async () => {
    const { session } = await makeSessions(here.createSessions).open('')
    await session.csrfToken()
    expect(Object.getOwnPropertySymbols(session)).toEqual([])
    expect(inspect(session, { showHidden: true, depth: 9 })).not.toMatch(/Uint8Array|WeakMap/)
    expect(inspect(new SessionError('too-large', 'x'))).not.toContain('@coatcheck')
  })
})
