import { describe, expect, it } from 'vitest'
import { BoundedCache } from '../bounded-cache.ts'
import { Keyring } from '../crypto/keyring.ts'
import { createSeal, noSeal } from '../crypto/sealed-frame.ts'
import type { Seal } from '../crypto/sealed-frame.ts'
import { addressOf, createToken, markAddressOf } from '../crypto/token.ts'
import { memoryStore } from './memory-store.ts'
import type { UnsealedRecord } from './unsealed-record.ts'
import { createSealedStore } from './sealed-store.ts'
import type { StoredRecord } from './store.ts'
import type { Codec } from './sealed-store.ts'

const secret = 'a secret of the cache '.repeat(2)
const random = (bytes: Uint8Array<ArrayBuffer>): unknown => crypto.getRandomValues(bytes)
const real = createSeal(new Keyring([secret]), 'default', random)
const forever = Date.now() + 1e9
const limits = { entries: 10, size: 1e6, age: 60_000 }
const newAddress = () => addressOf('default', createToken(random))

interface OpenOptions {
  readonly inner?: Seal
  readonly keeps?: boolean
  /** Whether the codec knows what a record is decoded to. */
  readonly knows?: boolean
  readonly reusesIds?: boolean
}

/** Bytes that are kept in memory of what was sealed. */
function heldBy(record: UnsealedRecord | undefined): number | undefined {
  const kept = record?.sealed
  return typeof kept === 'string' ? kept.length : kept?.buffer.byteLength
}

/** A sealed store that counts what it opens and decodes. The store's bytes can be changed. */
function open({ inner = real, keeps = true, knows = false, reusesIds = false }: OpenOptions = {}) {
  const counts = { opened: 0, decoded: 0, loads: 0 }
  const seal: Seal = {
    ...inner,
    async open(address, sealed) {
      counts.opened++
      return inner.open(address, sealed)
    },
  }
  const codec: Codec<{ readonly text: string }> = {
    reusesIds,
    memoryOf: ({ text }) => (text === 'a token' ? null : 1024),
    asDecoded: (record) => (knows ? record : null),
    encode: ({ text }) => new TextEncoder().encode(text),
    decode(bytes) {
      counts.decoded++
      return { text: new TextDecoder().decode(bytes) }
    },
  }
  const memory = memoryStore()
  const change: {
    bytes: ((bytes: Uint8Array) => Uint8Array) | null
    /** Gives back what it is told of. */
    keepsKnown: boolean
    fails: boolean
  } = { bytes: null, keepsKnown: false, fails: false }
  const told: (StoredRecord | undefined)[] = []
  const store = {
    ...memory,
    async load(id: string, _expiresAt?: number, known?: StoredRecord) {
      counts.loads++
      told.push(known)
      if (change.fails) throw new Error('too slow')
      const stored = await memory.load(id)
      if (change.keepsKnown && known !== undefined) return known
      return stored && { ...stored, bytes: change.bytes?.(stored.bytes) ?? stored.bytes }
    },
  }
  const records = keeps ? new BoundedCache<UnsealedRecord>(limits, () => 0) : null
  const sealed = createSealedStore({ store, seal, onEvent: () => {}, recordCache: records }, codec)
  return { sealed, memory, counts, change, records, told }
}

describe.each([
  ['sealed records', real],
  ['records that are not sealed', noSeal],
] as const)('%s', (_name, inner) => {
  it('are opened and decoded once while the store holds the same bytes, and are asked for each time', async () => {
    const { sealed, counts } = open({ inner })
    const address = await newAddress()
    await sealed.create(address, { text: 'hat' }, forever)
    for (let at = 0; at < 3; at++) {
      expect(await sealed.load(address)).toMatchObject({ record: { text: 'hat' } })
    }
    expect(counts).toEqual({ opened: 0, decoded: 1, loads: 3 })
  })

  it('are not decoded at all after a write, if it is known what they are decoded to', async () => {
    const { sealed, counts } = open({ inner, knows: true })
    const address = await newAddress()
    await sealed.create(address, { text: 'hat' }, forever)
    const found = await sealed.load(address)
    await sealed.save(address, { text: 'cap' }, forever, (found as { version: number }).version)
    expect(await sealed.load(address)).toMatchObject({ record: { text: 'cap' } })
    expect(counts).toEqual({ opened: 0, decoded: 0, loads: 2 })
  })

  it('are read anew once another process has written them', async () => {
    const [here, there] = [open({ inner }), open({ inner })]
    const address = await newAddress()
    await here.sealed.create(address, { text: 'hat' }, forever)
    await here.sealed.load(address)
    const { bytes } = (await here.memory.load(address.id)) as { bytes: Uint8Array }
    await there.memory.create(address.id, bytes, forever)
    const found = await there.sealed.load(address)
    const { version } = found as { version: number }
    await there.sealed.save(address, { text: 'cap' }, forever, version)
    const written = (await there.memory.load(address.id)) as { bytes: Uint8Array }
    here.change.bytes = () => written.bytes
    expect(await here.sealed.load(address)).toMatchObject({ record: { text: 'cap' } })
    expect(here.counts.opened).toBe(1)
  })

  it('are gone once they are deleted, or lost in the store', async () => {
    const { sealed, memory, records } = open({ inner })
    const address = await newAddress()
    await sealed.create(address, { text: 'hat' }, forever)
    await memory.delete(address.id)
    expect(await sealed.load(address)).toBe('missing')
    await sealed.delete(address.id)
    expect(records?.count).toBe(0)
  })

  it('are opened each time if nothing is kept', async () => {
    const { sealed, counts } = open({ inner, keeps: false })
    const address = await newAddress()
    await sealed.create(address, { text: 'hat' }, forever)
    await sealed.load(address)
    await sealed.load(address)
    expect(counts).toEqual({ opened: 2, decoded: 2, loads: 2 })
  })

  it('are kept as they were written, if the write was done', async () => {
    const { sealed, counts } = open({ inner })
    const address = await newAddress()
    await sealed.create(address, { text: 'hat' }, forever)
    const { version } = (await sealed.load(address)) as { version: number }
    expect(await sealed.save(address, { text: 'lost' }, forever, version + 100)).toBe('conflict')
    expect(await sealed.load(address)).toMatchObject({ record: { text: 'hat' } })
    expect(await sealed.save(address, { text: 'cap' }, forever, version)).toBe('saved')
    expect(await sealed.load(address)).toMatchObject({ record: { text: 'cap' } })
    expect(counts.opened).toBe(0)
  })
})

describe('what a store is told that is known', () => {
  const long = { text: 'x'.repeat(30_000) }

  it('is a large record that came twice with the same bytes, and its version', async () => {
    const { sealed, told, memory, change, counts } = open()
    const address = await newAddress()
    await sealed.create(address, long, forever)
    for (let at = 0; at < 2; at++) await sealed.load(address)
    expect(told).toEqual([undefined, await memory.load(address.id)])
    change.keepsKnown = true
    counts.decoded = 0
    expect(await sealed.load(address)).toMatchObject({ record: long, version: told[1]?.version })
    expect(counts).toMatchObject({ opened: 0, decoded: 0 })
  })

  it('is nothing of what was there before a write, here or elsewhere', async () => {
    const { sealed, told, memory } = open()
    const address = await newAddress()
    await sealed.create(address, long, forever)
    await sealed.load(address)
    const { version } = (await sealed.load(address)) as { version: number }
    await sealed.save(address, { text: 'y'.repeat(30_000) }, forever, version)
    await sealed.load(address)
    await sealed.load(address)
    const there = (await memory.load(address.id))!
    await memory.save(address.id, there.bytes.toReversed(), forever, there.version)
    expect(await sealed.load(address)).toMatchObject({ record: null })
    await memory.delete(address.id)
    expect(await sealed.load(address)).toBe('missing')
    expect(told.map((known) => known?.version)).toEqual([
      undefined,
      version,
      undefined,
      there.version,
      there.version,
      there.version,
    ])
  })

  it('is nothing once a load has failed, which may have been too slow for two trips', async () => {
    const { sealed, told, change } = open()
    const address = await newAddress()
    await sealed.create(address, long, forever)
    for (let at = 0; at < 2; at++) await sealed.load(address)
    change.fails = true
    expect(await sealed.load(address)).toBe('unavailable')
    change.fails = false
    expect(await sealed.load(address)).toMatchObject({ record: long })
    expect(told.map((known) => known !== undefined)).toEqual([false, true, true, false])
  })

  it('is nothing of a record whose id may be used again', async () => {
    const { sealed, told, counts } = open({ reusesIds: true })
    const address = await newAddress()
    await sealed.create(address, long, forever)
    for (let at = 0; at < 3; at++) await sealed.load(address)
    expect(told).toEqual([undefined, undefined, undefined])
    expect(counts).toMatchObject({ opened: 0, decoded: 1 })
  })

  it('is nothing of a small record, nor of another address of its id', async () => {
    const { sealed, told } = open()
    const [small, large] = [await newAddress(), await newAddress()]
    await sealed.create(small, { text: 'hat' }, forever)
    await sealed.create(large, long, forever)
    for (let at = 0; at < 3; at++) await sealed.load(small)
    for (let at = 0; at < 2; at++) await sealed.load(large)
    await sealed.load(markAddressOf(large.id, 'a key'))
    expect(told.flatMap((known, at) => (known === undefined ? [] : [at]))).toEqual([4])
  })
})

describe('a cache of sealed records', () => {
  it('keeps nothing that holds a token, and forgets what was there', async () => {
    const { sealed, records } = open()
    const address = await newAddress()
    await sealed.create(address, { text: 'hat' }, forever)
    const { version } = (await sealed.load(address)) as { version: number }
    expect(records?.count).toBe(1)
    await sealed.save(address, { text: 'a token' }, forever, version)
    expect(records?.count).toBe(0)
    expect(await sealed.load(address)).toMatchObject({ record: { text: 'a token' } })
    expect(records?.count).toBe(0)
  })

  it('keeps no more of what a store gives than the record', async () => {
    const { sealed, change, records } = open({ inner: noSeal })
    const address = await newAddress()
    await sealed.create(address, { text: 'hat' }, forever)
    records?.delete(address.id)
    change.bytes = (stored) => {
      const chunk = new Uint8Array(1000)
      chunk.set(stored, 100)
      return chunk.subarray(100, 100 + stored.length)
    }
    await sealed.load(address)
    expect(heldBy(records?.get(address.id))).toBe(3)
  })

  it('keeps nothing of the pool that a small record is sealed in', async () => {
    const { sealed, records } = open()
    for (const length of [3, 300, 3000, 30_000]) {
      const address = await newAddress()
      await sealed.create(address, { text: 'x'.repeat(length) }, forever)
      expect(heldBy(records?.get(address.id))).toBeLessThan(length + 100)
    }
  })

  it('gives no record to an address with another key, such as that of a mark', async () => {
    const { sealed } = open()
    const address = await newAddress()
    await sealed.create(address, { text: 'hat' }, forever)
    await sealed.load(address)
    expect(await sealed.load(markAddressOf(address.id, 'a key'))).toMatchObject({ record: null })
    expect(await sealed.load(address)).toMatchObject({ record: { text: 'hat' } })
  })

  it('S38: finds out every byte that was changed in the store', async () => {
    const { sealed, change, memory } = open()
    const address = await newAddress()
    await sealed.create(address, { text: 'hat' }, forever)
    const { bytes } = (await memory.load(address.id)) as { bytes: Uint8Array }
    for (let at = 0; at < bytes.length; at++) {
      await sealed.load(address)
      change.bytes = (stored) => stored.map((byte, each) => (each === at ? byte ^ 1 : byte))
      const found = await sealed.load(address)
      const record = typeof found === 'string' ? found : found.record
      // Bytes 1 to 4 name the secret.
      expect(record).toBe(at >= 1 && at <= 4 ? 'unknown-secret' : null)
      change.bytes = null
    }
    change.bytes = (stored) => stored.subarray(1)
    expect(await sealed.load(address)).toMatchObject({ record: null })
  })
})
