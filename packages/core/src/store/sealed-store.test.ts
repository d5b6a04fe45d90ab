import { describe, expect, it } from 'vitest'
import type { Address } from '../crypto/record-address.ts'
import type { SessionEvent } from '../events.ts'
import { noSeal } from '../crypto/sealed-frame.ts'
import type { Seal } from '../crypto/sealed-frame.ts'
import type { SessionStore } from './store.ts'
import { createSealedStore } from './sealed-store.ts'
import type { Codec, SealedStore } from './sealed-store.ts'

const ID = 'abcdefgh-and-35-characters-more-of-an-id-00'
const address = { id: ID, keyMaterial: 'the token' }

/** Records are text; what begins with `?` is no record. */
const codec: Codec<string> = {
  memoryOf: () => 0,
  asDecoded: () => null,
  encode: (text) => new TextEncoder().encode(text),
  decode: (bytes) => {
    const text = new TextDecoder().decode(bytes)
    return text.startsWith('?') ? null : text
  },
}

const bytesOf = codec.encode

/** Puts the key material in front, and opens nothing else. */
const tokenSeal: Seal = {
  seal: async ({ keyMaterial }, plain) =>
    bytesOf(`${keyMaterial}: ${new TextDecoder().decode(plain)}`),
  open: async ({ keyMaterial }, sealed) => {
    const text = new TextDecoder().decode(sealed)
    return text.startsWith(`${keyMaterial}: `) ? bytesOf(text.slice(keyMaterial.length + 2)) : null
  },
  isForeign: async (sealed) => new TextDecoder().decode(sealed).startsWith('foreign: '),
}

/** A sealed store over a store that does what a test says, with what it was asked and what was told. */
function open(
  methods: Partial<SessionStore<string>>,
  seal = noSeal,
): {
  sealed: SealedStore<string>
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
  return {
    sealed: createSealedStore(
      {
        store,
        seal,
        onEvent: (event) => events.push(event),
        recordCache: null,
      },
      codec,
    ),
    calls,
    events,
  }
}

/** What each of the operations ends with. */
function allOf(sealed: SealedStore<string>): Promise<unknown>[] {
  return [
    sealed.load(address, { expiresAt: 9 }),
    sealed.create(address, 'record', 9),
    sealed.save(address, 'record', 9, 'v1'),
    sealed.delete(ID, 'v1'),
    sealed.load(address),
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

describe('the sealed store', () => {
  it('asks the store for what it is asked, in bytes', async () => {
    const { sealed, calls } = open({
      load: async () => null,
      create: async () => true,
      save: async () => 'saved',
      delete: async () => 'deleted',
    })
    const ends = await Promise.all(allOf(sealed))
    expect(ends).toEqual(['missing', 'created', 'saved', 'deleted', 'missing'])
    expect(calls.toSorted(byName)).toEqual(
      [
        ['load', ID, 9, undefined],
        ['create', ID, bytesOf('record'), 9],
        ['save', ID, bytesOf('record'), 9, 'v1'],
        ['delete', ID, 'v1'],
        ['load', ID, undefined, undefined],
      ].toSorted(byName),
    )
    await Promise.all([sealed.load(address), sealed.delete(ID)])
    expect(calls.slice(5)).toEqual([
      ['load', ID, undefined, undefined],
      ['delete', ID, undefined],
    ])
  })

  it('decodes what it loads, and passes the version on as it is', async () => {
    const version = 'a version'
    const { sealed, events } = open({ load: async () => ({ bytes: bytesOf('record'), version }) })
    expect(await sealed.load(address)).toEqual({ address, record: 'record', version })
    expect(events).toEqual([])
  })

  it('passes on every outcome that is expected', async () => {
    const { sealed } = open({ create: async () => false })
    expect(await sealed.create(address, 'record', 9)).toBe('taken')
    for (const result of ['saved', 'conflict', 'missing'] as const) {
      const { sealed: saving } = open({ save: async () => result })
      expect(await saving.save(address, 'record', 9, 'v')).toBe(result)
    }
    for (const result of ['deleted', 'conflict', 'missing'] as const) {
      expect(await open({ delete: async () => result }).sealed.delete(ID)).toBe(result)
    }
  })

  it('T17: tells a record that cannot be read from one that is missing', async () => {
    const bytes = bytesOf('? what is this')
    const { sealed, events } = open({ load: async () => ({ bytes, version: 'v' }) })
    expect(await sealed.load(address)).toEqual({ address, record: null, version: 'v' })
    expect(events).toEqual([{ type: 'record.unreadable', idPrefix: 'abcdefgh', reason: 'damaged' }])
  })

  it('H1: tells a record that is sealed with an unknown secret from one that is damaged', async () => {
    const record = (text: string): Partial<SessionStore<string>> => ({
      load: async () => ({ bytes: bytesOf(text), version: 'v' }),
    })
    const { sealed, events } = open(record('foreign: a record'), tokenSeal)
    expect(await sealed.load(address)).toBe('unknown-secret')
    const event = { type: 'record.unreadable', idPrefix: 'abcdefgh', reason: 'unknown-secret' }
    expect(events).toEqual([event])
    expect(await sealed.load(address, { isQuiet: true })).toBe('unknown-secret')
    expect(events).toEqual([event])
    const { sealed: other } = open(record('the token: ?'), tokenSeal)
    expect(await other.load(address)).toMatchObject({ record: null })
  })

  it('rule 2: makes of every outage the value unavailable, and says what failed', async () => {
    const error = new Error('connection refused')
    const { sealed, events } = open(failing(error))
    const ends = await Promise.all(allOf(sealed))
    expect(ends).toEqual(ends.map(() => 'unavailable'))
    const operations = ['load', 'create', 'save', 'delete', 'load']
    const told = operations.map((operation) => {
      return { type: 'store.failed', idPrefix: 'abcdefgh', operation, error }
    })
    expect(events).toEqual(told)
  })

  it('rule 2: takes for an outage whatever else a store throws, at once or later', async () => {
    for (const error of [undefined, null, 'text', 5, {}, { code: 'ECONNRESET' }, { code: 1 }]) {
      const { sealed } = open(failing(error))
      expect(new Set(await Promise.all(allOf(sealed)))).toEqual(new Set(['unavailable']))
    }
    const sync = (): never => {
      throw new Error('at once')
    }
    const { sealed } = open({ load: sync, create: sync, save: sync, delete: sync })
    expect(new Set(await Promise.all(allOf(sealed)))).toEqual(new Set(['unavailable']))
  })

  it.each(['config', 'auth', 'too-large'])(
    'rule 8: throws a fault of the set-up on, after it said so: %s',
    async (code) => {
      const fault = Object.assign(new Error('wrong set-up'), { code })
      const { sealed, events } = open(failing(fault))
      const ends = await Promise.allSettled(allOf(sealed))
      expect(ends).toEqual(ends.map(() => ({ status: 'rejected', reason: fault })))
      expect(events.map(({ type }) => type)).toEqual(ends.map(() => 'store.failed'))
    },
  )

  it('S33: puts no more of an id into an event than its first 8 characters', async () => {
    const { sealed, events } = open(failing(new Error('away')))
    await Promise.all(allOf(sealed))
    expect(JSON.stringify(events)).not.toContain(ID.slice(0, 9))
    expect(JSON.stringify(events)).toContain(ID.slice(0, 8))
  })

  it('rule 12: gives the store sealed bytes alone, and opens them again', async () => {
    const bytes = bytesOf('the token: record')
    const { sealed, calls } = open(
      {
        load: async () => ({ bytes, version: 'v' }),
        create: async () => true,
        save: async () => 'saved',
      },
      tokenSeal,
    )
    await sealed.create(address, 'record', 9)
    await sealed.save(address, 'record', 9, 'v')
    expect(calls.map(([, , given]) => given)).toEqual([bytes, bytes])
    expect(await sealed.load(address)).toEqual({ address, record: 'record', version: 'v' })
  })

  it('opens a record by another key if that of the address does not fit, and asks for it only then', async () => {
    const stored: { readonly [text: string]: string } = {
      first: 'the token: record',
      second: 'a mark: record',
    }
    for (const [name, keys] of [
      ['first', 0],
      ['second', 1],
    ] as const) {
      const bytes = bytesOf(stored[name] as string)
      const { sealed, events } = open({ load: async () => ({ bytes, version: 'v' }) }, tokenSeal)
      let asked = 0
      const otherKey = async (): Promise<Address> => {
        asked++
        return { id: ID, keyMaterial: 'a mark' }
      }
      expect(await sealed.load(address, { otherKey })).toEqual({
        address,
        record: 'record',
        version: 'v',
      })
      expect([asked, events]).toEqual([keys, []])
    }
  })

  it('has no record if no other key fits either, or there is none', async () => {
    const bytes = bytesOf('another token: record')
    const { sealed, events } = open({ load: async () => ({ bytes, version: 'v' }) }, tokenSeal)
    for (const other of [null, { id: ID, keyMaterial: 'a mark' }]) {
      const otherKey = async (): Promise<Address | null> => other
      expect(await sealed.load(address, { otherKey })).toMatchObject({ record: null })
    }
    expect(events.map(({ type }) => type)).toEqual(['record.unreadable', 'record.unreadable'])
  })

  it('says nothing of a record that cannot be opened if it is asked to be quiet', async () => {
    const bytes = bytesOf('another token: record')
    const { sealed, events } = open({ load: async () => ({ bytes, version: 'v' }) }, tokenSeal)
    expect(await sealed.load(address, { isQuiet: true })).toEqual({
      address,
      record: null,
      version: 'v',
    })
    expect(events).toEqual([])
  })

  it('S80: does not read a record that was sealed for another token', async () => {
    const load = async (): Promise<{ bytes: Uint8Array; version: string }> => {
      return { bytes: bytesOf('another token: record'), version: 'v' }
    }
    const { sealed, events } = open({ load }, tokenSeal)
    expect(await sealed.load(address)).toEqual({ address, record: null, version: 'v' })
    expect(events).toEqual([{ type: 'record.unreadable', idPrefix: 'abcdefgh', reason: 'damaged' }])
  })
})

describe('what was encoded', () => {
  it.each([
    ['sealed', tokenSeal],
    ['copied for a store inside the process', noSeal],
  ])('is overwritten once it is %s', async (_what, seal) => {
    const encoded: Uint8Array[] = []
    const given: Uint8Array[] = []
    const encode = (text: string): Uint8Array => {
      const bytes = codec.encode(text)
      encoded.push(bytes)
      return bytes
    }
    const store = {
      load: async () => null,
      create: async (_id: string, bytes: Uint8Array) => (given.push(bytes.slice()), true),
      save: async (_id: string, bytes: Uint8Array) => (given.push(bytes.slice()), 'saved' as const),
      delete: async () => 'deleted' as const,
    }
    const sealed = createSealedStore(
      { store, seal, onEvent: () => {}, recordCache: null },
      {
        ...codec,
        encode,
      },
    )
    await sealed.create(address, 'hat', 9)
    await sealed.save(address, 'cap', 9, 1)
    expect(encoded.map((bytes) => bytes.length)).toEqual([3, 3])
    for (const bytes of encoded) expect(Math.max(...bytes)).toBe(0)
    for (const bytes of given) expect(Math.max(...bytes)).toBeGreaterThan(0)
  })
})
