import { describe, expect, it } from 'vitest'
import type { SessionEvent } from '../events.ts'
import { noSeal } from '../crypto/seal.ts'
import type { Seal } from '../crypto/seal.ts'
import type { SessionStore } from './store.ts'
import { createVault } from './sealed-store.ts'
import type { Codec, Vault } from './sealed-store.ts'

const ID = 'abcdefgh-and-35-characters-more-of-an-id-00'
const identity = { id: ID, token: 'the token' }

/** Records are text; what begins with `?` is no record. */
const codec: Codec<string> = {
  encode: (text) => new TextEncoder().encode(text),
  decode: (bytes) => {
    const text = new TextDecoder().decode(bytes)
    return text.startsWith('?') ? null : text
  },
}

const bytesOf = codec.encode

/** Puts the token in front, and opens nothing else. */
const tokenSeal: Seal = {
  seal: async ({ token }, plain) => bytesOf(`${token}: ${new TextDecoder().decode(plain)}`),
  open: async ({ token }, sealed) => {
    const text = new TextDecoder().decode(sealed)
    return text.startsWith(`${token}: `) ? bytesOf(text.slice(token.length + 2)) : null
  },
}

/** A vault over a store that does what a test says, with what it was asked and what was told. */
function open(
  methods: Partial<SessionStore<string>>,
  seal = noSeal,
): {
  vault: Vault<string>
  calls: unknown[][]
  events: SessionEvent[]
} {
  const calls: unknown[][] = []
  const events: SessionEvent[] = []
  const call =
    (name: 'load' | 'create' | 'save' | 'delete') =>
    (...given: never[]) => {
      calls.push([name, ...given])
      const method = methods[name] as ((...all: never[]) => unknown) | undefined
      return method?.(...given)
    }
  const store = {
    load: call('load'),
    create: call('create'),
    save: call('save'),
    delete: call('delete'),
  } as unknown as SessionStore
  return { vault: createVault(store, seal, codec, (event) => events.push(event)), calls, events }
}

/** What each of the operations ends with. */
function allOf(vault: Vault<string>): Promise<unknown>[] {
  return [
    vault.load(identity, 9),
    vault.create(identity, 'record', 9),
    vault.save(identity, 'record', 9, 'v1'),
    vault.delete(identity, 'v1'),
    vault.has(ID),
  ]
}

function failing(error: unknown): Partial<SessionStore<string>> {
  const fail = (): Promise<never> => Promise.reject(error)
  return { load: fail, create: fail, save: fail, delete: fail }
}

/** Sealing takes its time, so the store is not asked in the order of the calls. */
function byName([left]: readonly unknown[], [right]: readonly unknown[]): number {
  return (left as string) < (right as string) ? -1 : 1
}

describe('the vault', () => {
  it('asks the store for what it is asked, in bytes', async () => {
    const { vault, calls } = open({
      load: async () => null,
      create: async () => true,
      save: async () => 'saved',
      delete: async () => 'deleted',
    })
    const ends = await Promise.all(allOf(vault))
    expect(ends).toEqual(['missing', 'created', 'saved', 'deleted', false])
    expect(calls.toSorted(byName)).toEqual(
      [
        ['load', ID, 9],
        ['create', ID, bytesOf('record'), 9],
        ['save', ID, bytesOf('record'), 9, 'v1'],
        ['delete', ID, 'v1'],
        ['load', ID],
      ].toSorted(byName),
    )
    await Promise.all([vault.load(identity), vault.delete(identity)])
    expect(calls.slice(5)).toEqual([
      ['load', ID, undefined],
      ['delete', ID, undefined],
    ])
  })

  it('decodes what it loads, and passes the version on as it is', async () => {
    const version = 'a version'
    const { vault, events } = open({ load: async () => ({ bytes: bytesOf('record'), version }) })
    expect(await vault.load(identity)).toEqual({ identity, record: 'record', version })
    expect(await vault.has(ID)).toBe(true)
    expect(events).toEqual([])
  })

  it('passes on every outcome that is expected', async () => {
    const { vault } = open({ create: async () => false })
    expect(await vault.create(identity, 'record', 9)).toBe('taken')
    for (const result of ['saved', 'conflict', 'missing'] as const) {
      const { vault: saving } = open({ save: async () => result })
      expect(await saving.save(identity, 'record', 9, 'v')).toBe(result)
    }
    for (const result of ['deleted', 'conflict', 'missing'] as const) {
      expect(await open({ delete: async () => result }).vault.delete(identity)).toBe(result)
    }
  })

  it('T17: tells a record that cannot be read from one that is missing', async () => {
    const bytes = bytesOf('? what is this')
    const { vault, events } = open({ load: async () => ({ bytes, version: 'v' }) })
    expect(await vault.load(identity)).toBe('unreadable')
    expect(events).toEqual([{ type: 'record.unreadable', handle: 'abcdefgh', reason: 'damaged' }])
  })

  it('rule 2: makes of every outage the value unavailable, and says what failed', async () => {
    const error = new Error('connection refused')
    const { vault, events } = open(failing(error))
    const ends = await Promise.all(allOf(vault))
    expect(ends).toEqual(ends.map(() => 'unavailable'))
    const operations = ['load', 'delete', 'load', 'create', 'save']
    const told = operations.map((operation) => {
      return { type: 'store.failed', handle: 'abcdefgh', operation, error }
    })
    expect(events).toEqual(told)
  })

  it('rule 2: takes for an outage whatever else a store throws, at once or later', async () => {
    for (const error of [undefined, null, 'text', 5, {}, { code: 'ECONNRESET' }, { code: 1 }]) {
      const { vault } = open(failing(error))
      expect(new Set(await Promise.all(allOf(vault)))).toEqual(new Set(['unavailable']))
    }
    const sync = (): never => {
      throw new Error('at once')
    }
    const { vault } = open({ load: sync, create: sync, save: sync, delete: sync })
    expect(new Set(await Promise.all(allOf(vault)))).toEqual(new Set(['unavailable']))
  })

  it.each(['config', 'auth', 'too-large'])(
    'rule 8: throws a fault of the set-up on, after it said so: %s',
    async (code) => {
      const fault = Object.assign(new Error('wrong set-up'), { code })
      const { vault, events } = open(failing(fault))
      const ends = await Promise.allSettled(allOf(vault))
      expect(ends).toEqual(ends.map(() => ({ status: 'rejected', reason: fault })))
      expect(events.map(({ type }) => type)).toEqual(ends.map(() => 'store.failed'))
    },
  )

  it('S33: puts no more of an id into an event than its handle', async () => {
    const { vault, events } = open(failing(new Error('away')))
    await Promise.all(allOf(vault))
    expect(JSON.stringify(events)).not.toContain(ID.slice(0, 9))
    expect(JSON.stringify(events)).toContain(ID.slice(0, 8))
  })

  it('rule 12: gives the store sealed bytes alone, and opens them again', async () => {
    const sealed = bytesOf('the token: record')
    const { vault, calls } = open(
      {
        load: async () => ({ bytes: sealed, version: 'v' }),
        create: async () => true,
        save: async () => 'saved',
      },
      tokenSeal,
    )
    await vault.create(identity, 'record', 9)
    await vault.save(identity, 'record', 9, 'v')
    expect(calls.map(([, , bytes]) => bytes)).toEqual([sealed, sealed])
    expect(await vault.load(identity)).toEqual({ identity, record: 'record', version: 'v' })
  })

  it('S80: does not read a record that was sealed for another token', async () => {
    const load = async (): Promise<{ bytes: Uint8Array; version: string }> => {
      return { bytes: bytesOf('another token: record'), version: 'v' }
    }
    const { vault, events } = open({ load }, tokenSeal)
    expect(await vault.load(identity)).toBe('unreadable')
    expect(events).toEqual([{ type: 'record.unreadable', handle: 'abcdefgh', reason: 'damaged' }])
    expect(await vault.has(ID)).toBe(true)
  })
})
