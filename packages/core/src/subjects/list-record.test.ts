import { createHash, createHmac } from 'node:crypto'
import { encode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import type { Listed } from './list-record.ts'
import {
  isAlive,
  isSeenDue,
  listAddresses,
  listAddressOf,
  listCodec,
  without,
} from './list-record.ts'
import { decodeEntry, encodeEntry } from '../store/record-codec.ts'
import { blankRecord, rootLength } from '../store/record.ts'
import { Keyring } from '../crypto/keyring.ts'
import type { Address } from '../crypto/record-address.ts'
import { idOf, isToken } from '../crypto/token.ts'

const listed: Listed = { createdAt: 5, renewedAt: null, seenAt: 5, label: null }
const list = new Map([
  ['h1', listed],
  ['h2', { ...listed, renewedAt: 7, label: 'Firefox' }],
  ['h3', { ...listed, isPersistent: true }],
])
const secretOf = (word: string): string => word.repeat(8)

describe('a list of sessions', () => {
  it('S16: comes back as it was, in its order', () => {
    expect([...(listCodec.decode(listCodec.encode(list)) ?? [])]).toEqual([...list])
    expect(listCodec.decode(listCodec.encode(new Map()))).toEqual(new Map())
  })

  it('S80: is not taken for a session, nor a session for a list', () => {
    const record = encodeEntry(blankRecord(0, new Uint8Array(rootLength)))
    expect(listCodec.decode(record)).toBeNull()
    expect(listCodec.decode(encodeEntry({ kind: 'forward', token: 'T', until: 5 }))).toBeNull()
    const mark = { kind: 'moved', id: 'I', markKey: 'K', owner: null, until: 5 } as const
    expect(listCodec.decode(encodeEntry(mark))).toBeNull()
    expect(decodeEntry(listCodec.encode(list))).toBeNull()
  })

  const entry = ['h', 5, null, 5, null]
  it.each<[string, unknown]>([
    ['null', null],
    ['an object', { 0: 6 }],
    ['an empty array', []],
    ['the format of a former version', [3, ['h', 'id', 5, null, null]]],
    ['another format', [7, entry]],
    ['an entry that is text', [6, 'h']],
    ['an entry cut short', [6, entry.slice(0, 4)]],
    ['an entry with more', [6, [...entry, 0]]],
    ['a ref that is a number', [6, [1, ...entry.slice(1)]]],
    ['a time that is text', [6, ['h', '5', null, 5, null]]],
    ['a renewal that is text', [6, ['h', 5, '5', 5, null]]],
    ['a last use that is null', [6, ['h', 5, null, null, null]]],
    ['a label that is a number', [6, ['h', 5, null, 5, 1]]],
    ['one bad entry among good ones', [6, entry, entry.slice(1), entry]],
  ])('S43: is null for %s', (_kind, frame) => {
    expect(listCodec.decode(encode(frame))).toBeNull()
  })

  it('S43: is null for no bytes, and for bytes that announce too much', () => {
    expect(listCodec.decode(new Uint8Array(0))).toBeNull()
    expect(listCodec.decode(Uint8Array.of(0xdd, 255, 255, 255, 255))).toBeNull()
    expect(listCodec.decode(new Uint8Array(100_000).fill(0x91))).toBeNull()
  })
})

describe('a session in a list', () => {
  const lifetime = { idle: 400, absolute: 1000, unused: 400, rotate: Infinity }
  const seen = { ...listed, createdAt: 0, seenAt: 100 }

  it('E1: is alive until the idle time and a quarter of it have passed, by the list alone', () => {
    expect(isAlive(seen, lifetime, 599)).toBe(true)
    expect(isAlive(seen, lifetime, 600)).toBe(false)
  })

  it('S9: is not alive from its absolute end on', () => {
    const used = { ...seen, seenAt: 999 }
    expect([isAlive(used, lifetime, 999), isAlive(used, lifetime, 1000)]).toEqual([true, false])
  })

  it('is alive for as long as those that are remembered, if it is one', () => {
    const two = { ...lifetime, persistent: { ...lifetime, idle: 4000, absolute: 10_000 } }
    const kept = { ...seen, isPersistent: true }
    expect([isAlive(kept, two, 5099), isAlive(kept, two, 5100)]).toEqual([true, false])
    expect([isAlive(seen, two, 599), isAlive(seen, two, 600)]).toEqual([true, false])
    expect([isSeenDue(kept, two, 1099), isSeenDue(kept, two, 1100)]).toEqual([false, true])
    expect(isAlive(kept, lifetime, 600)).toBe(false)
  })

  it('is told of its use after a quarter of the idle time', () => {
    expect([isSeenDue(seen, lifetime, 199), isSeenDue(seen, lifetime, 200)]).toEqual([false, true])
  })
})

describe('without', () => {
  it('leaves one session out, and leaves the list that it was given as it was', () => {
    expect([...without(list, 'h1').keys()]).toEqual(['h2', 'h3'])
    expect([...list.keys()]).toEqual(['h1', 'h2', 'h3'])
  })

  it('gives the same list back if the session is not in there', () => {
    expect(without(list, 'h4')).toBe(list)
  })
})

describe('where a list is', () => {
  const [one, two] = [secretOf('one!'), secretOf('two!')]

  async function addressIn(
    secrets: readonly string[],
    namespace: string,
    subject: string,
  ): Promise<Address> {
    const [address] = await listAddresses(new Keyring(secrets), namespace, subject)
    return address as Address
  }

  it('S59b: is told by the secret, the namespace and the subject, and shows none of them', async () => {
    const ids = await Promise.all([
      addressIn([one], 'shop', 'user-1'),
      addressIn([two], 'shop', 'user-1'),
      addressIn([], 'shop', 'user-1'),
      addressIn([one], 'blog', 'user-1'),
      addressIn([one], 'shop', 'user-2'),
    ])
    expect(new Set(ids.map(({ id }) => id)).size).toBe(5)
    for (const { id } of ids) expect(id).toMatch(/^[\w-]{43}$/)
    expect(await addressIn([one], 'shop', 'user-1')).toEqual(ids[0])
  })

  it('S80: is nowhere that a token could lead to', async () => {
    const { id, keyMaterial } = await addressIn([], 'shop', 'user-1')
    expect(isToken(keyMaterial)).toBe(false)
    expect(await idOf('shop', 'user-1')).not.toBe(id)
    expect(await idOf('shop', keyMaterial)).not.toBe(id)
  })

  it('S41: is one place for each secret, the newest first', async () => {
    const addresses = await listAddresses(new Keyring([two, one]), 'shop', 'user-1')
    expect(addresses).toEqual([
      await addressIn([two], 'shop', 'user-1'),
      await addressIn([one], 'shop', 'user-1'),
    ])
    expect(await listAddresses(new Keyring([]), 'shop', 'user-1')).toHaveLength(1)
    const owner = { subject: 'user-1', listId: addresses[1]?.id as string, ref: 'h' }
    expect(listAddressOf(owner)).toEqual(addresses[1])
  })

  it('does not change between versions, or every session with a subject would be lost', async () => {
    const address = await addressIn([], 'shop', 'user-1')
    const hash = createHash('sha256').update('coatcheck subject 1\0shop\0user-1')
    expect(address).toEqual({ id: hash.digest('base64url'), keyMaterial: 'subject user-1' })
    const mac = createHmac('sha256', one).update('coatcheck subject 1\0shop\0user-1')
    expect((await addressIn([one], 'shop', 'user-1')).id).toBe(mac.digest('base64url'))
  })
})
