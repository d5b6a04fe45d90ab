import { createSessions, sum } from '@coatcheck/core'
import type { Session, Sessions, SessionsOptions, SessionStore } from '@coatcheck/core'
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

function open(
  store: SessionStore,
  more: (() => number) | Partial<SessionsOptions<Data>> = {},
): Sessions<Data> {
  return createSessions<Data>({
    store,
    secrets,
    namespace: 'moving',
    merge: { visits: sum },
    lifetime: { idle: 86_400 },
    onEvent: () => {},
    ...(typeof more === 'function' ? { testing: { now: more } } : more),
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

interface Text {
  text?: string
}

const withText = (store: SessionStore): Sessions<Text> =>
  createSessions<Text>({ store, secrets, namespace: 'moving', onEvent: () => {} })

async function set(sessions: Sessions<Text>, header: string, text: string): Promise<string> {
  const { session, commit } = await sessions.open(header)
  session.data.text = text
  return (await commit()).outcome
}

const limit = 2000

/** The same store, for which a record may be too large. */
function small(store: SessionStore): SessionStore {
  const tooLarge = (): Promise<never> =>
    Promise.reject(Object.assign(new Error('too large'), { code: 'too-large' }))
  return {
    ...store,
    create: (id, bytes, expiresAt) =>
      bytes.length > limit ? tooLarge() : store.create(id, bytes, expiresAt),
    save: (id, bytes, expiresAt, version) =>
      bytes.length > limit ? tooLarge() : store.save(id, bytes, expiresAt, version),
  }
}

interface Delay {
  readonly reached: Promise<void>
  readonly goOn: () => void
}

/** The same store, for a process that stops at its first `name`: after a load that finds something, before all else. */
function delayed(
  store: SessionStore,
  name: 'load' | 'create' | 'save' | 'delete',
): [SessionStore, Delay] {
  const [reached, going] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const run = store[name] as (...args: unknown[]) => Promise<unknown>
  let isFirst = true
  const slow = async (...args: unknown[]): Promise<unknown> => {
    const loaded = name === 'load' ? await run(...args) : undefined
    if (isFirst && loaded !== null) {
      isFirst = false
      reached.resolve()
      await going.promise
    }
    return name === 'load' ? loaded : run(...args)
  }
  return [
    { ...store, [name]: slow },
    { reached: reached.promise, goOn: () => going.resolve() },
  ]
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

  it.each(['a sign-out', 'a rotation', 'a renewal'])(
    'does not bring back what %s has ended, wherever a process stops, and however long',
    async (how) => {
      let isHeld = true
      for (let at = 0; isHeld; at++) {
        const { from, to, moving, now, advance } = makeStores()
        const options = { lifetime: { idle: 86_400, rotate: 60 }, testing: { now } }
        const during = open(moving(true), options)
        const gate = stoppingAt(at)
        const store = movingStore({ from: gate(from), to: gate(to), isMoving: true, now })
        const late = open(store, options)
        const header = await begin(open(from, options))
        const saving = visit(late, header)
        await Promise.race([gate.stopped, saving])
        isHeld = gate.isStopped()
        expect(isHeld || at > 6).toBe(true)
        await visit(during, header)
        advance(61_000)
        const { session, commit } = await during.open(header)
        if (how === 'a sign-out') session.destroy()
        else if (how === 'a renewal') session.renew()
        const { outcome, cookie } = await commit()
        expect(outcome).toBe(
          { 'a sign-out': 'destroyed', 'a renewal': 'renewed' }[how] ?? 'rotated',
        )
        const moved = `${cookie?.name}=${cookie?.value}`
        if (how !== 'a sign-out') expect(await visit(during, moved)).toBe('saved')
        // Marks, forwards and whatever else kept the place are over.
        advance(3_600_000)
        gate.release()
        await saving
        for (const sessions of [during, open(moving(false), options), open(to, options)]) {
          expect(await stateOf(sessions, header)).toBe('new')
          if (how === 'a sign-out') continue
          expect(await stateOf(sessions, moved)).toBe('live')
        }
      }
    },
  )

  it.each(Array.from({ length: 150 }, (_, seed) => seed))(
    'keeps every sign-in of a person in one list, whichever processes begin it (%i)',
    async (seed) => {
      const random = randomOf(seed)
      const { from, moving } = makeStores((store) => shaken(store, random, seed % 4 === 1))
      const processes = [true, false, true].map((isMoving) => open(moving(isMoving)))
      if (seed % 3 === 0) await signIn(open(from), 'ann')
      const isRevoked = seed % 2 === 0 && (await processes[0]!.revoke('ann')) !== 'unconfirmed'
      const visitors: string[] = []
      const work = Array.from({ length: 6 }, async (_, at) => {
        for (let turns = random() * 60; turns > 0; turns--) await turn()
        const { session, commit } = await processes[at % 3]!.open('')
        session.signIn('ann')
        const { outcome, cookie } = await commit()
        if (outcome !== 'created') return
        const header = `${cookie?.name}=${cookie?.value}`
        visitors.push(header)
        for (const sessions of processes) {
          const { state } = await settled(async () => (await sessions.open(header)).session)
          expect(state).toBe('live')
        }
      })
      await Promise.all(work)
      expect(visitors.length).toBeGreaterThan(0)
      for (const header of visitors) {
        for (const sessions of processes) {
          const { state } = await settled(async () => (await sessions.open(header)).session)
          expect(state).toBe('live')
        }
      }
      if (seed % 4 !== 1 && isRevoked)
        expect(await processes[1]!.list('ann')).toHaveLength(visitors.length)
      if ((await processes[seed % 3]!.revoke('ann')) === 'unconfirmed') return
      for (const header of visitors) {
        for (const sessions of processes) {
          const { state } = await settled(async () => (await sessions.open(header)).session)
          expect(state).toBe('new')
        }
      }
    },
  )

  it('leaves in the old store what the new one does not take, and brings it when it is smaller', async () => {
    const { from, to, now } = makeStores()
    const during = withText(movingStore({ from, to: small(to), isMoving: true, now }))
    const header = await begin(open(from))
    expect(await set(during, header, 'x'.repeat(limit))).toBe('saved')
    expect((await during.open(header)).session.data.text).toHaveLength(limit)
    expect(await set(during, header, 'y'.repeat(limit))).toBe('saved')
    expect((await during.open(header)).session.data.text).toMatch(/^y+$/)
    expect(await set(during, header, 'small')).toBe('saved')
    expect((await during.open(header)).session.data.text).toBe('small')
    expect(await stateOf(open(to), header)).toBe('live')
    expect(await stateOf(open(from), header)).toBe('new')
  })

  it('ends what was too large when it was read, and was brought over meanwhile', async () => {
    const { from, to, now } = makeStores()
    const next = small(to)
    const during = (old: SessionStore, other: SessionStore): Sessions<Text> =>
      withText(movingStore({ from: old, to: other, isMoving: true, now }))
    const header = await begin(open(from))
    await set(during(from, next), header, 'x'.repeat(limit))
    const [slowClaim, claimed] = delayed(next, 'create')
    const [slowEnd, brought] = delayed(from, 'delete')
    const reading = during(from, slowClaim).open(header)
    await claimed.reached
    const saving = set(during(slowEnd, next), header, 'small')
    await brought.reached
    claimed.goOn()
    const { session, commit } = await reading
    session.destroy()
    expect((await commit()).outcome).toBe('destroyed')
    expect(await stateOf(open(movingStore({ from, to, isMoving: true, now })), header)).toBe('new')
    brought.goOn()
    expect(await saving).toBe('saved')
    expect(await stateOf(open(movingStore({ from, to, isMoving: true, now })), header)).toBe('new')
  })

  it('begins a list in the old store beside one that departs from there', async () => {
    const { from, to, moving, now } = makeStores()
    const [slowBeginning, begun] = delayed(from, 'create')
    const [slowCopy, departing] = delayed(to, 'create')
    const first = signIn(
      open(movingStore({ from: slowBeginning, to, isMoving: false, now })),
      'ann',
    )
    await begun.reached
    await signIn(open(moving(false)), 'ann')
    const last = signIn(open(movingStore({ from, to: slowCopy, isMoving: true, now })), 'ann')
    await departing.reached
    begun.goOn()
    const header = await first
    departing.goOn()
    await last
    expect(await stateOf(open(moving(true)), header)).toBe('live')
    expect(await open(moving(true)).list('ann')).toHaveLength(3)
  })

  it.each(['step 1, beside the old store', 'step 2, beside the new store'])(
    'keeps who signs in while a process without a moving store meets the claim (%s)',
    async (step) => {
      const { from, to, now } = makeStores()
      const isMoving = step.startsWith('step 2')
      const own = isMoving ? to : from
      const [slow, looked] = delayed(own, 'load')
      const [place, claimed] = delayed(own, 'save')
      const stores = isMoving ? { from, to: place } : { from: place, to }
      const first = signIn(open(movingStore({ ...stores, isMoving, now })), 'ann')
      await claimed.reached
      const second = signIn(open(slow), 'ann')
      await looked.reached
      claimed.goOn()
      const one = await first
      looked.goOn()
      const headers = [one, await second]
      const after = open(movingStore({ from, to, isMoving, now }))
      for (const header of headers) expect(await stateOf(after, header)).toBe('live')
      expect(await after.list('ann')).toHaveLength(2)
    },
  )

  it('refuses two stores that are one place, and loses nothing there', async () => {
    const { from, to, now } = makeStores()
    const another = { ...from }
    const header = await begin(open(from))
    for (const isMoving of [true, false]) {
      const during = open(movingStore({ from, to: another, isMoving, now }))
      await expect(begin(during)).rejects.toMatchObject({ code: 'config' })
    }
    const during = open(movingStore({ from, to: another, isMoving: true, now }))
    expect(await visit(during, header)).toBe('saved')
    await expect(during.open(header)).rejects.toMatchObject({ code: 'config' })
    const right = open(movingStore({ from, to, isMoving: true, now }))
    expect((await right.open(header)).session.data.visits).toBe(1)
  })

  it('gives each request connections of its own where one of the stores does', async () => {
    const { from, to, now } = makeStores()
    const held = { scopes: 0, released: 0 }
    const scoped: SessionStore = {
      ...from,
      load: () => Promise.reject(new Error('not in a scope')),
      scope: () => {
        held.scopes++
        return { ...from, release: () => void held.released++ }
      },
    }
    for (const stores of [
      { from: scoped, to },
      { from: to, to: scoped },
    ]) {
      held.scopes = held.released = 0
      const during = open(movingStore({ ...stores, isMoving: true, now }))
      const header = await begin(during)
      expect(await visit(during, header)).toBe('saved')
      expect(held.scopes).toBeGreaterThan(0)
      expect(held.released).toBe(held.scopes)
    }
    expect(movingStore({ from, to, isMoving: true }).scope).toBeUndefined()
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

interface Gate {
  (store: SessionStore): SessionStore
  readonly stopped: Promise<void>
  readonly isStopped: () => boolean
  readonly release: () => void
}

/** Wraps the stores of a process that stops before its command of this number, reads and writes of all stores together. */
function stoppingAt(at: number): Gate {
  const stopped = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  let [count, isStopped] = [0, false]
  const pass = async (): Promise<void> => {
    if (count++ !== at) return
    isStopped = true
    stopped.resolve()
    await released.promise
  }
  const gate = (store: SessionStore): SessionStore => ({
    load: (...args) => pass().then(() => store.load(...args)),
    create: (...args) => pass().then(() => store.create(...args)),
    save: (...args) => pass().then(() => store.save(...args)),
    delete: (...args) => pass().then(() => store.delete(...args)),
  })
  return Object.assign(gate, {
    stopped: stopped.promise,
    isStopped: () => isStopped,
    release: released.resolve,
  })
}

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
