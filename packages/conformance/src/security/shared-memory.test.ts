import { createSessions } from '@coatcheck/core'
import type { SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { describe, expect, it } from 'vitest'
import { createVisitor } from '../visitor.ts'
import { marker, watchLeaks } from './spy.ts'
import { through } from './stores.ts'

/** All of the memory that an array is a part of, as text: what `structuredClone` copies, or an app that forgets the part. */
function around(bytes: Uint8Array): string {
  return Buffer.from(structuredClone(bytes).buffer).toString('latin1')
}

interface Seen {
  /** All memory around what the store was given, and around what it gave. */
  readonly given: string
  /** The pool of Buffers, which anything in the process can read, before and after each command. */
  readonly pool: string
  readonly commands: number
}

/** Sign-ins, changes, renewals and rotated tokens, with what can be read of them. */
async function live(wrap: (store: SessionStore) => SessionStore) {
  const leaks = watchLeaks()
  const given: string[] = []
  const pool = new Set<string>()
  const clock = { now: Date.now() }
  const look = (): void => void pool.add(around(Buffer.from('x')))
  const commands = through(memoryStore(), ({ bytes }) => {
    look()
    if (bytes !== null) given.push(around(bytes))
  })
  const store: SessionStore = {
    ...commands,
    async load(id, expiresAt) {
      const stored = await commands.load(id, expiresAt)
      if (stored !== null) given.push(around(stored.bytes))
      return stored
    },
  }
  const sessions = createSessions<Record<string, unknown>>({
    store: wrap(store),
    secrets: ['a secret of more than 32 characters'],
    lifetime: { rotate: 60 },
    onEvent: () => {},
    testing: { now: () => clock.now },
  })
  const visitors = Array.from({ length: 10 }, () => {
    const [value, subject, label] = [marker(), marker(), marker()]
    leaks.keep(value, subject, label)
    return { visitor: createVisitor(sessions), value, subject, label }
  })
  const keep = ({ cookie }: { readonly cookie: string }): void =>
    leaks.keep(cookie.slice(cookie.indexOf('=') + 1))
  for (let round = 0; round < 4; round++) {
    for (const { visitor, value, subject, label } of visitors) {
      await visitor.visit((session) => {
        session.data['value'] = [round, value]
        if (round === 1) session.signIn(subject, { label })
        if (round === 2) session.renew()
      })
      keep(visitor)
      look()
    }
    clock.now += 120_000
  }
  const seen: Seen = { given: given.join('\n'), pool: [...pool].join('\n'), commands: given.length }
  return { leaks, seen }
}

describe('memory that is shared', () => {
  it('of what a sealed store is given, and gives, holds no data, account, label or token, wherever it lies', async () => {
    const { leaks, seen } = await live((store) => store)
    expect(leaks.size()).toBeGreaterThan(1000)
    expect(seen.commands).toBeGreaterThan(60)
    expect(leaks.findIn(seen.given)).toEqual([])
    expect(leaks.findIn(seen.pool)).toEqual([])
  })

  it('by all Buffers of the process holds nothing of a store inside of it either', async () => {
    const { leaks, seen } = await live((store) => ({ ...store, inProcess: true }))
    // It is not sealed: the search finds what is there.
    expect(leaks.findIn(seen.given)).not.toEqual([])
    expect(leaks.findIn(seen.pool)).toEqual([])
  })

  it('by stores inside the process holds nothing of a sealed store', async () => {
    const leaks = watchLeaks()
    const given: string[] = []
    const beside = through(memoryStore(), ({ bytes }) => {
      if (bytes !== null) given.push(around(bytes))
    })
    const sealed = createSessions<Record<string, unknown>>({
      store: through(memoryStore(), () => {}),
      secrets: ['a secret of more than 32 characters'],
      cache: false,
    })
    const inside = createSessions<Record<string, unknown>>({
      store: { ...beside, inProcess: true },
    })
    const visitors = Array.from({ length: 20 }, () => ({
      one: createVisitor(sealed),
      other: createVisitor(inside),
      value: marker(),
    }))
    leaks.keep(...visitors.map(({ value }) => value))
    for (let round = 0; round < 3; round++) {
      const visits = visitors.flatMap(({ one, other, value }) => [
        one.visit(({ data }) => void (data['value'] = [round, value])),
        other.visit(({ data }) => void (data['round'] = round)),
      ])
      await Promise.all(visits)
    }
    expect(given.length).toBeGreaterThanOrEqual(60)
    expect(leaks.findIn(given.join('\n'))).toEqual([])
  })
})
