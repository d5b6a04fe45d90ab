import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { memoryStore } from '../store/memory-store.ts'
import { createSessions } from '../sessions/sessions.ts'

const setUp = () => createSessions({ store: memoryStore(), cookie: { persistent: true } })

it('a log of what a commit did shows the cookie without its token', async () => {
  const { session, commit } = await setUp().open(null)
  session.signIn('ada')
  const committed = await commit()
  const token = committed.cookie?.value ?? ''
  expect(token).toMatch(/^[\w-]{43}$/)
  for (const shown of [committed, committed.cookie, { committed }]) {
    for (const text of [inspect(shown, { depth: 9 }), JSON.stringify(shown)]) {
      expect(text).not.toContain(token)
      expect(text).toContain('__Host-Http-sid')
      expect(text).toMatch(/httpOnly/)
    }
  }
})

it('a framework still gets the whole cookie, and what it copies', async () => {
  const { session, commit } = await setUp().open(null)
  session.data['hat'] = 1
  const { cookie } = await commit()
  expect(cookie?.header).toContain(`=${cookie?.value};`)
  expect(Object.keys({ ...cookie })).toEqual(expect.arrayContaining(['value', 'header', 'maxAge']))
})

it('a deletion is shown with what deletes', async () => {
  const sessions = setUp()
  const first = await sessions.open(null)
  first.session.data['hat'] = 1
  const { cookie } = await first.commit()
  const { session, commit } = await sessions.open(`${cookie?.name}=${cookie?.value}`)
  session.destroy()
  expect(inspect((await commit()).cookie)).toContain('maxAge: 0')
})
