import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { expect, it } from 'vitest'
import { createNextSessions } from './next-sessions.ts'

it('creates the sessions once, for all copies of the file, and not before they are needed', () => {
  let made = 0
  const create = () => {
    made++
    return createSessions({ store: memoryStore() })
  }
  const one = createNextSessions(create, { name: 'once' })
  const other = createNextSessions(create, { name: 'once' })
  expect(made).toBe(0)
  expect(one.sessions()).toBe(other.sessions())
  expect(made).toBe(1)
})

it('lists the sessions of a subject, and ends one or all of them', async () => {
  const own = createNextSessions(() => createSessions({ store: memoryStore() }), {
    name: 'devices',
  })
  const signIn = async (label: string): Promise<string> => {
    const { session, commit } = await own.sessions().open(null)
    session.signIn('ada', { label })
    const { cookie } = await commit()
    return `${cookie?.name}=${cookie?.value}`
  }
  const [phone, laptop] = [await signIn('phone'), await signIn('laptop')]
  const { list, end, revoke } = own
  const [first] = await list('ada')
  expect((await list('ada')).map(({ label }) => label)).toEqual(['phone', 'laptop'])
  expect(await end('ada', first!.ref)).toBe('revoked')
  const states = async (): Promise<readonly string[]> =>
    Promise.all(
      [phone, laptop].map(async (cookie) => (await own.sessions().open(cookie)).session.state),
    )
  expect(await states()).toEqual(['new', 'live'])
  const { session } = await own.sessions().open(laptop)
  expect(await revoke('ada', { except: session })).toBe('revoked')
  expect(await states()).toEqual(['new', 'live'])
  expect(await revoke('ada')).toBe('revoked')
  expect(await states()).toEqual(['new', 'new'])
})

it('keeps sets of sessions apart by name', () => {
  const create = () => createSessions({ store: memoryStore() })
  const one = createNextSessions(create, { name: 'one' })
  const other = createNextSessions(create, { name: 'other' })
  expect(one.sessions()).not.toBe(other.sessions())
})

it('creates the sessions again if that failed', () => {
  let tries = 0
  const { sessions } = createNextSessions(
    () => {
      if (tries++ === 0) throw new Error('SESSION_SECRETS is missing')
      return createSessions({ store: memoryStore() })
    },
    { name: 'again' },
  )
  expect(() => sessions()).toThrow('SESSION_SECRETS is missing')
  expect(sessions()).toBe(sessions())
})

it('refuses a name that cannot be part of a header’s name', () => {
  for (const name of ['', 'Session', 'a b', 'a:b', 'a'.repeat(33)]) {
    expect(() =>
      createNextSessions(() => createSessions({ store: memoryStore() }), { name }),
    ).toThrow(expect.objectContaining({ code: 'invalid-option' }))
  }
})

it('says what to do if there is no request', async () => {
  const { commit, getSession, saveLate, sessions } = createNextSessions(
    () => createSessions({ store: memoryStore() }),
    { name: 'nowhere' },
  )
  await expect(getSession()).rejects.toThrow(
    /wrap getServerSideProps or the API route in handle\(\).*in a script or a test, use sessions\(\)\.open\(request\)/,
  )
  await expect(commit()).rejects.toThrow('call it inside handle(…) or proxy(…)')
  const { session } = await sessions().open(null)
  await expect(saveLate(session, () => {})).rejects.toThrow('a session that getSession() returned')
})
