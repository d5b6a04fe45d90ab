import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { createSessions } from '../sessions/sessions.ts'
import { memoryStore } from '../store/memory-store.ts'
import type { Opened } from '../sessions/open.ts'

type Data = Record<string, unknown>

const secret = 'the-secret-of-32-bytes-or-more-aa'
const sessions = createSessions<Data>({ store: memoryStore(), secrets: [secret] })
const wholly = { depth: 9, showHidden: true }

/** A session of an account, opened again; and everything that must not be shown. */
async function open(): Promise<{ opened: Opened<Data>; hidden: readonly string[] }> {
  const first = await sessions.open(null)
  first.session.data['card'] = 'the value'
  first.session.signIn('the-account', { label: 'the label' })
  const { cookie } = await first.commit()
  const opened = await sessions.open(`${cookie?.name}=${cookie?.value}`)
  const { id, ref } = opened.session
  const csrf = await opened.session.csrfToken()
  const texts = ['the value', 'the-account', 'the label', secret]
  return { opened, hidden: [cookie!.value, id!, ref!, csrf, ...texts] }
}

const shownOf = (text: string, hidden: readonly string[]): readonly string[] =>
  hidden.filter((each) => text.includes(each))

it('a session is shown in a log by its state and its keys, without a token, id, account or value', async () => {
  const { opened, hidden } = await open()
  const { session } = opened
  session.data['cart'] = ['the value']
  session.renew()
  const shown = inspect(session, wholly)
  const json = JSON.stringify(session)
  expect(shownOf(shown + json + session.explain(), hidden)).toEqual([])
  expect(shown).toMatch(/^Session \{/)
  expect(shown).toContain("state: 'live'")
  expect(shown).toMatch(/'card',\s*'cart'/)
  expect(JSON.parse(json)).toEqual({
    state: 'live',
    signedIn: true,
    createdAt: session.createdAt?.toJSON(),
    keys: ['card', 'cart'],
    asked: 'renew',
  })
  await opened.commit()
  expect(inspect({ session })).toContain('session: Session {')
  expect(shownOf(inspect(session, wholly), hidden)).toEqual([])
})

it('a session in a log is not read; as JSON or explained, which may be in an answer, it is', async () => {
  const { session, commit } = await sessions.open(null)
  expect(inspect(session)).toContain("state: 'new'")
  expect((await commit()).cacheControl).toBeNull()
  for (const show of ['toJSON', 'explain'] as const) {
    const other = await sessions.open(null)
    const shown = other.session as unknown as Record<typeof show, () => unknown>
    shown[show]()
    expect((await other.commit()).cacheControl).toBe('private')
  }
})

it('what holds a session shows no more', async () => {
  const { opened, hidden } = await open()
  const lazy = sessions.lazy(`__Host-Http-sid=${hidden[0]}`)
  await lazy.get()
  const shown = [lazy, opened, sessions].map((each) => inspect(each, wholly)).join()
  expect(shownOf(shown, hidden)).toEqual([])
})
