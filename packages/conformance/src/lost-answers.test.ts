/** One command, or its answer, gets lost on the way to a real server: each that a request sends, one after the other. */
import { createSessions, sum } from '@coatcheck/core'
import type { Committed, Session, Sessions } from '@coatcheck/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import type { EngineServer } from './engines.ts'
import { startLossyLine } from './lossy-line.ts'
import type { LossyLine } from './lossy-line.ts'
import { openStore } from './open-store.ts'
import type { OpenedStore } from './open-store.ts'

interface Data {
  counter?: number
}

/** What a request asks for, beside counting. */
type Wish = 'change' | 'renew' | 'sign-in' | 'sign-out' | 'rotate'

/** What became of one request, as a process sees it that lost nothing. */
interface Seen {
  readonly committed: Pick<Committed, 'outcome' | 'failure'>
  /** The data under the cookie that came, and under the one that the answer has; null: it leads to no session. */
  readonly old: Partial<Data> | null
  readonly new: Partial<Data> | null
}

const secrets = ['a secret of thirty-two bytes, or so']
const wishes: readonly Wish[] = ['change', 'renew', 'sign-in', 'sign-out', 'rotate']
const losses = ['command', 'answer'] as const

describe.each(engines)('what gets lost on the way to $name', ({ start }) => {
  let server: EngineServer
  let line: LossyLine
  let stores: OpenedStore[]
  let ahead = 0
  /** Of a process on the line, and of one that nothing gets lost of. */
  let lossy: Sessions<Data>
  let sound: Sessions<Data>

  beforeAll(async () => {
    server = await start()
    line = await startLossyLine(server.port)
    stores = [server.urlAt(line.port), server.url].map((url) => openStore(url, { deadline: 5000 }))
    const [first, second] = stores.map((store) =>
      createSessions<Data>({
        store,
        secrets,
        merge: { counter: sum },
        lifetime: { rotate: 3600, idle: 7200 },
        onEvent: () => {},
        testing: { now: () => Date.now() + ahead },
      }),
    )
    lossy = first!
    sound = second!
  })
  afterAll(async () => {
    line.end()
    for (const store of stores) store.close()
    await server.end()
  })

  async function begin(subject: string): Promise<string> {
    const { session, commit } = await sound.open('')
    session.data.counter = 1
    session.signIn(subject)
    return cookieOf(await commit())
  }

  /** So that it is connected, and the server has its scripts. */
  async function warmUp(): Promise<void> {
    await request(lossy, await begin('warm'), 'renew')
    expect(await lossy.revoke('warm')).toBe('revoked')
  }

  async function look(cookie: string): Promise<Partial<Data> | null> {
    const { session } = await sound.open(cookie, { touch: false })
    return session.state === 'live' ? { ...session.data } : null
  }

  /** `null`: the request sends fewer commands than that. */
  async function seeLoss(
    wish: Wish,
    nth: number,
    what: (typeof losses)[number],
  ): Promise<Seen | null> {
    ahead = 0
    await warmUp()
    const cookie = await begin(`ada ${wish} ${nth} ${what}`)
    if (wish === 'rotate') ahead = 3_600_000
    line.lose(nth, what)
    const committed = await request(lossy, cookie, wish)
    if (!line.heal()) return null
    const given = cookieOf(committed)
    return {
      committed: { outcome: committed.outcome, failure: committed.failure },
      old: await look(cookie),
      new: given === '' ? null : await look(given),
    }
  }

  it.each(wishes.flatMap((wish) => losses.map((what) => [wish, what] as const)))(
    'T6: of a %s, one %s: what the outcome says is true',
    async (wish, what) => {
      let count = 0
      for (let nth = 1; ; nth++) {
        const seen = await seeLoss(wish, nth, what)
        if (seen === null) break
        count++
        expect([nth, seen, judge(wish, seen)]).toEqual([nth, seen, 'true'])
      }
      expect(count).toBeGreaterThanOrEqual(2)
    },
  )

  it.each(losses)(
    'T6: of a revocation, one %s: it is done, or says that it is not',
    async (what) => {
      let count = 0
      for (let nth = 1; ; nth++) {
        await warmUp()
        const subject = `bea ${nth} ${what}`
        const cookie = await begin(subject)
        line.lose(nth, what)
        const outcome = await lossy.revoke(subject)
        if (!line.heal()) break
        count++
        expect(['revoked', 'unconfirmed']).toContain(outcome)
        if (outcome === 'revoked') expect(await look(cookie)).toBeNull()
      }
      expect(count).toBeGreaterThanOrEqual(1)
    },
  )
})

async function request(sessions: Sessions<Data>, cookie: string, wish: Wish): Promise<Committed> {
  const { session, commit } = await sessions.open(cookie)
  if (session.state === 'live') act(session, wish)
  return commit()
}

function act(session: Session<Partial<Data>>, wish: Wish): void {
  if (wish !== 'sign-out') session.data.counter = (session.data.counter ?? 0) + 1
  if (wish === 'renew') session.renew()
  if (wish === 'sign-in') session.signIn(session.subject as string)
  if (wish === 'sign-out') session.destroy()
}

const cookieOf = ({ cookie }: Committed): string =>
  cookie === null || cookie.value === '' ? '' : `${cookie.name}=${cookie.value}`

const done: Readonly<Record<Wish, string>> = {
  change: 'saved',
  renew: 'renewed',
  'sign-in': 'renewed',
  'sign-out': 'destroyed',
  rotate: 'rotated',
}

/** `true`, or what is wrong. */
function judge(wish: Wish, { committed, old, new: given }: Seen): string {
  const { outcome, failure } = committed
  const counts = [old, given].flatMap((data) => (data === null ? [] : [data.counter]))
  if (counts.some((count) => count !== 1 && count !== 2)) return 'the change is there twice'
  // The session has ended, by this sign-out or by another one.
  if (wish === 'sign-out' && outcome === 'gone') return old === null ? 'true' : 'the session lives'
  // A token that is due is changed by the next request then.
  if (wish === 'rotate' && outcome === 'saved') {
    return old?.counter === 2 && given === null ? 'true' : 'the change is lost'
  }
  if (outcome !== done[wish]) {
    if (!/^un(available|confirmed|changed)$/.test(outcome)) return 'another outcome'
    if (outcome !== 'unchanged' && failure === null) return 'no failure is reported'
    return given === null ? 'true' : 'a cookie was given'
  }
  if (failure !== null) return 'a failure is reported'
  if (wish === 'sign-out') return old === null ? 'true' : 'the session lives'
  if (wish === 'change') return old?.counter === 2 ? 'true' : 'the change is lost'
  if (given?.counter !== 2) return 'the change is lost under the new token'
  // A forward leads to the new record for a while.
  return wish === 'rotate' || old === null ? 'true' : 'two tokens lead to the session'
}
