import { createSessions, sum } from '@coatcheck/core'
import type { Session, Sessions, SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { describeRaces, describeStore } from '@coatcheck/testing'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { movingStore } from '../src/moving/moving-store.ts'

interface Data {
  visits?: number
}

const secrets = ['a secret of at least 32 characters, for tests']

/** Two stores outside the process, and stores that move from one to the other. */
function makeStores(wrap = (store: SessionStore): SessionStore => store) {
  let time = Date.now()
  const now = (): number => time
  const { inProcess: _, ...from } = memoryStore({ now })
  const { inProcess: _none, ...to } = memoryStore({ now })
  const [old, next] = [wrap(from), wrap(to)]
  const moving = (isMoving: boolean): SessionStore =>
    movingStore({ from: old, to: next, isMoving, now })
  return { from, to, moving, now, advance: (ms: number) => void (time += ms) }
}

for (const isMoving of [false, true]) {
  const create = () => {
    const { moving, now, advance } = makeStores()
    return { store: moving(isMoving), another: () => moving(!isMoving), now, advance }
  }
  describeStore(`a store that ${isMoving ? 'moves' : 'will move'}`, create, { describe, it })
  describeRaces(`a store that ${isMoving ? 'moves' : 'will move'}`, create, { describe, it })
}

function open(store: SessionStore, now?: () => number): Sessions<Data> {
  return createSessions<Data>({
    store,
    secrets,
    namespace: 'moving',
    merge: { visits: sum },
    lifetime: { idle: 86_400 },
    onEvent: () => {},
    ...(now && { testing: { now } }),
  })
}

async function signIn(sessions: Sessions<Data>, subject: string, header = ''): Promise<string> {
  const { session, commit } = await sessions.open(header)
  session.signIn(subject)
  const { cookie } = await commit()
  return `${cookie?.name}=${cookie?.value}`
}

/** A session that is in no list. */
async function begin(sessions: Sessions<Data>): Promise<string> {
  const { session, commit } = await sessions.open('')
  session.data.visits = 0
  const { cookie } = await commit()
  return `${cookie?.name}=${cookie?.value}`
}

async function stateOf(sessions: Sessions<Data>, header: string): Promise<string> {
  return (await sessions.open(header)).session.state
}

async function visit(sessions: Sessions<Data>, header: string): Promise<string> {
  const { session, commit } = await sessions.open(header)
  session.data.visits = (session.data.visits ?? 0) + 1
  return (await commit()).outcome
}

describe('a move', () => {
  it('leaves in the new store alone whom it has signed in, though the list was in the old one', async () => {
    const { from, to, moving, now, advance } = makeStores()
    const [before, during, after] = [open(from, now), open(moving(true), now), open(to, now)]
    await signIn(before, 'ann')
    advance(20 * 3_600_000)
    const ann = await signIn(during, 'ann')
    advance(5 * 3_600_000)
    // Longer than the absolute lifetime after it began.
    expect(await stateOf(during, ann)).toBe('live')
    expect(await stateOf(after, ann)).toBe('live')
    expect(await after.list('ann')).toHaveLength(1)
  })

  it('can be deployed step by step: no process takes the session of another for none', async () => {
    const { from, to, moving } = makeStores()
    const steps = [open(from), open(moving(false)), open(moving(true)), open(to)]
    for (const [at, older] of steps.slice(0, 3).entries()) {
      const newer = steps[at + 1]!
      const visitors: string[] = []
      for (const sessions of [older, newer]) {
        visitors.push(await signIn(sessions, 'ann'), await signIn(sessions, `bob${at}`))
      }
      for (const sessions of [older, newer, older]) {
        // What the old store still has ends before it is left.
        const seen = at === 2 ? visitors.slice(2) : visitors
        for (const header of seen) expect(await stateOf(sessions, header)).toBe('live')
        for (const header of seen) expect(await visit(sessions, header)).toBe('saved')
      }
    }
  })

  it('goes on after a copy that failed: the save counts, and the next load brings it', async () => {
    let isDown = false
    const { from, to, moving } = makeStores((store) => ({
      ...store,
      create: (...args) => (isDown ? Promise.reject(new Error('down')) : store.create(...args)),
    }))
    const [before, during, after] = [open(from), open(moving(true)), open(to)]
    const header = await begin(before)
    isDown = true
    expect(await visit(during, header)).toBe('saved')
    expect(await stateOf(during, header)).toBe('unavailable')
    isDown = false
    const { session } = await during.open(header)
    expect(session.data.visits).toBe(1)
    expect(await stateOf(after, header)).toBe('live')
  })

  it('is followed by requests that have loaded the session before', async () => {
    const { from, moving } = makeStores()
    const [waiting, during] = [open(moving(false)), open(moving(true))]
    const header = await begin(open(from))
    const [saving, ending] = [await waiting.open(header), await waiting.open(header)]
    expect(await visit(during, header)).toBe('saved')
    saving.session.data.visits = 1
    expect((await saving.commit()).outcome).toBe('saved')
    expect((await during.open(header)).session.data.visits).toBe(2)
    ending.session.destroy()
    expect((await ending.commit()).outcome).toBe('destroyed')
    expect(await stateOf(during, header)).toBe('new')
  })

  it('does not bring back what has ended, however late a copy comes', async () => {
    const held: (() => void)[] = []
    let isHolding = false
    const { from, to, moving } = makeStores()
    const slow: SessionStore = {
      ...to,
      async create(...args) {
        if (isHolding) await new Promise<void>((resolve) => held.push(resolve))
        return to.create(...args)
      },
    }
    const [before, during] = [open(from), open(moving(true))]
    const late = open(movingStore({ from, to: slow, isMoving: true }))
    await signIn(before, 'ann')
    const header = await begin(before)
    isHolding = true
    const saving = visit(late, header)
    await expect.poll(() => held.length).toBeGreaterThan(0)
    // Others bring it over, and sign out there.
    const { session, commit } = await during.open(header)
    expect(session.data.visits).toBe(1)
    session.destroy()
    expect((await commit()).outcome).toBe('destroyed')
    expect(await during.revoke('ann')).not.toBe('unconfirmed')
    isHolding = false
    for (const release of held) release()
    expect(await saving).toBe('saved')
    for (const sessions of [before, during, open(to), open(moving(false))]) {
      expect(await stateOf(sessions, header)).toBe('new')
      expect(await sessions.list('ann')).toEqual([])
    }
    // A list that ended has its place back at the next sign-in, in each kind of process.
    for (const sessions of [during, open(to)]) {
      expect(await stateOf(sessions, await signIn(sessions, 'ann'))).toBe('live')
    }
  })

  it.each(Array.from({ length: 150 }, (_, seed) => seed))(
    'loses no update, and brings back no session that has ended, in any order (%i)',
    async (seed) => {
      const random = randomOf(seed)
      const losesAnswers = seed % 2 === 1
      const { from, moving } = makeStores((store) => shaken(store, random, losesAnswers))
      const processes = [true, false, true].map((isMoving) => open(moving(isMoving)))
      const header = await (seed % 4 < 2 ? signIn(open(from), 'ann') : begin(open(from)))
      const outcomes: string[] = []
      // Without any, the session is still in the old store when it ends.
      const count = seed % 3 === 0 ? 0 : 6
      const work = Array.from({ length: count }, async (_, at) => {
        for (let turns = random() * 40; turns > 0; turns--) await turn()
        outcomes.push(await visit(processes[at % 3]!, header))
      })
      await Promise.all(work)
      const said = outcomes.filter((outcome) => outcome === 'saved').length
      const { data } = await settled(async () => (await processes[0]!.open(header)).session)
      const { visits } = data
      expect(visits ?? 0).toBeGreaterThanOrEqual(said)
      expect(visits ?? 0).toBeLessThanOrEqual(outcomes.length)
      if (!losesAnswers) expect([said, visits ?? 0]).toEqual([count, count])

      const ends = processes.map(async (sessions, at) => {
        for (let turns = random() * 20; turns > 0; turns--) await turn()
        if (at < 2) return visit(sessions, header)
        const { session, commit } = await sessions.open(header)
        session.destroy()
        return (await commit()).outcome
      })
      const ended = (await Promise.all(ends))[2]!
      if (!['destroyed', 'gone'].includes(ended)) return
      for (const sessions of processes) {
        const { state } = await settled(async () => (await sessions.open(header)).session)
        expect(state).toBe('new')
      }
    },
  )
})

/** Asks until the store answers. */
async function settled(ask: () => Promise<Session<Data>>): Promise<Session<Data>> {
  for (let tries = 0; tries < 100; tries++) {
    const session = await ask()
    if (session.state !== 'unavailable') return session
  }
  throw new Error('it does not answer')
}

/** Its commands take some turns of the event loop; some answers are lost. */
function shaken(store: SessionStore, random: () => number, losesAnswers: boolean): SessionStore {
  const shake =
    <args extends unknown[], result>(run: (...args: args) => Promise<result>) =>
    async (...args: args): Promise<result> => {
      for (let turns = random() * 4; turns > 0; turns--) await turn()
      const result = await run(...args)
      for (let turns = random() * 4; turns > 0; turns--) await turn()
      if (losesAnswers && random() < 0.05)
        throw Object.assign(new Error('lost'), { code: 'unavailable' })
      return result
    }
  return {
    load: shake(store.load),
    create: shake(store.create),
    save: shake(store.save),
    delete: shake(store.delete),
  }
}

/** Mulberry32: from 0 to 1, the same for one seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
