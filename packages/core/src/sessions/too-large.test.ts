import { describe, expect, it } from 'vitest'
import { deviceBound } from '../device-bound.ts'
import { memoryStore } from '../store/memory-store.ts'
import type { SessionsOptions } from '../settings/options.ts'
import type { Session } from '../session/session.ts'
import { createSessions } from './sessions.ts'

type Data = Record<string, unknown>

function setUp(more: Partial<SessionsOptions<Data>> = {}) {
  const clock = { now: 1_700_000_000_000 }
  const store = memoryStore({ now: () => clock.now })
  const process = (maxBytes: number) =>
    createSessions<Data>({
      store,
      namespace: 'large',
      maxBytes,
      lifetime: { rotate: 60 },
      testing: { now: () => clock.now },
      onEvent() {},
      ...more,
    })
  let cookie: string | null = null
  async function visit(maxBytes: number, act: (session: Session<Data>) => void) {
    const headers = { cookie: cookie ?? '' }
    const { session, commit } = await process(maxBytes).open(
      new Request('https://shop.example/', { headers }),
    )
    act(session)
    const committed = await commit()
    if (committed.cookie) cookie = `${committed.cookie.name}=${committed.cookie.value}`
    return { ...committed, session }
  }
  return { visit, pass: (seconds: number) => void (clock.now += seconds * 1000) }
}

/** The longest text that still fits. */
async function fill({ visit }: ReturnType<typeof setUp>, maxBytes: number): Promise<number> {
  for (let length = maxBytes; length > 0; length--) {
    const save = visit(maxBytes, ({ data }) => void (data['text'] = 'x'.repeat(length)))
    const isSaved = await save.then(
      () => true,
      () => false,
    )
    if (isSaved) return length
  }
  throw new Error('nothing fits')
}

describe('rule 7: a session at the limit', () => {
  it('can be read, and gets its new token, though maxBytes was lowered', async () => {
    const made = setUp()
    await made.visit(4000, ({ data }) => void Object.assign(data, { text: 'x'.repeat(3000), n: 1 }))
    made.pass(61)
    const { outcome, session } = await made.visit(2000, ({ data }) => void data['text'])
    expect([outcome, session.data['n']]).toEqual(['rotated', 1])
    const { outcome: used } = await made.visit(2000, ({ data }) => void data['n'])
    expect(used).toBe('unchanged')
    const larger = made.visit(2000, ({ data }) => void (data['n'] = 1000))
    await expect(larger).rejects.toMatchObject({ code: 'too-large' })
    expect((await made.visit(2000, ({ data }) => void delete data['text'])).outcome).toBe('saved')
  })

  it.each([
    ['a subject', {}],
    ['a subject and a device', { deviceBound: deviceBound({ mode: 'require' }) }],
  ])(
    'has no room for %s: a sign-in says so at once, and no later request fails',
    async (_, more) => {
      const made = setUp(more)
      const length = await fill(made, 1500)
      const signIn = (session: Session<Data>) => session.signIn('ada')
      await expect(made.visit(1500, signIn)).rejects.toMatchObject({ code: 'too-large' })
      await made.visit(1500, ({ data }) => void (data['text'] = 'x'.repeat(length - 80)))
      expect((await made.visit(1500, signIn)).outcome).toBe('renewed')
    },
  )
})
