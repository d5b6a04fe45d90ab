import { encode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import type { Listed } from './list.ts'
import { identifyList, identifyOwned, listCodec, placesOf } from './list.ts'
import { decodeEntry, encodeEntry, rootLength } from '../store/record.ts'
import { noSecret, readSecret } from '../crypto/seal.ts'
import { idOf, isToken } from '../crypto/token.ts'

const listed: Listed = { id: 'i'.repeat(43), createdAt: 5, renewedAt: null, label: null }
const list = new Map([
  ['h1', listed],
  ['h2', { ...listed, renewedAt: 7, label: 'Firefox' }],
])
const secretOf = (word: string): ReturnType<typeof readSecret> => readSecret(word.repeat(8))

describe('a list of sessions', () => {
  it('S16: comes back as it was, in its order', () => {
    expect([...(listCodec.decode(listCodec.encode(list)) ?? [])]).toEqual([...list])
    expect(listCodec.decode(listCodec.encode(new Map()))).toEqual(new Map())
  })

  it('S80: is not taken for a session, nor a session for a list', () => {
    const record = encodeEntry({
      createdAt: 0,
      renewedAt: null,
      rotatedAt: 0,
      owner: null,
      root: new Uint8Array(rootLength),
      writes: { count: 0, ids: [] },
      blocks: new Map(),
    })
    expect(listCodec.decode(record)).toBeNull()
    expect(listCodec.decode(encodeEntry({ token: 'T', until: 5 }))).toBeNull()
    expect(decodeEntry(listCodec.encode(list))).toBeNull()
  })

  const entry = ['h', 'id', 5, null, null]
  it.each<[string, unknown]>([
    ['null', null],
    ['an object', { 0: 3 }],
    ['an empty array', []],
    ['another format', [4, entry]],
    ['an entry that is text', [3, 'h']],
    ['an entry cut short', [3, entry.slice(0, 4)]],
    ['an entry with more', [3, [...entry, 0]]],
    ['a handle that is a number', [3, [1, ...entry.slice(1)]]],
    ['an id that is bytes', [3, ['h', new Uint8Array(3), 5, null, null]]],
    ['a time that is text', [3, ['h', 'id', '5', null, null]]],
    ['a renewal that is text', [3, ['h', 'id', 5, '5', null]]],
    ['a label that is a number', [3, ['h', 'id', 5, null, 1]]],
    ['one bad entry among good ones', [3, entry, entry.slice(1), entry]],
  ])('S43: is null for %s', (_kind, frame) => {
    expect(listCodec.decode(encode(frame))).toBeNull()
  })

  it('S43: is null for no bytes, and for bytes that announce too much', () => {
    expect(listCodec.decode(new Uint8Array(0))).toBeNull()
    expect(listCodec.decode(Uint8Array.of(0xdd, 255, 255, 255, 255))).toBeNull()
    expect(listCodec.decode(new Uint8Array(100_000).fill(0x91))).toBeNull()
  })
})

describe('where a list is', () => {
  it('S59b: is told by the secret, the namespace and the subject, and shows none of them', async () => {
    const [one, two] = [await secretOf('one!'), await secretOf('two!')]
    const ids = await Promise.all([
      identifyList(one, 'shop', 'user-1'),
      identifyList(two, 'shop', 'user-1'),
      identifyList(noSecret, 'shop', 'user-1'),
      identifyList(one, 'blog', 'user-1'),
      identifyList(one, 'shop', 'user-2'),
    ])
    expect(new Set(ids.map(({ id }) => id)).size).toBe(5)
    for (const { id } of ids) expect(id).toMatch(/^[\w-]{43}$/)
    expect(await identifyList(one, 'shop', 'user-1')).toEqual(ids[0])
  })

  it('S80: is nowhere that a token could lead to', async () => {
    const { id, token } = await identifyList(noSecret, 'shop', 'user-1')
    expect(isToken(token)).toBe(false)
    expect(await idOf('shop', 'user-1')).not.toBe(id)
    expect(await idOf('shop', token)).not.toBe(id)
  })

  it('S41: is one place for each secret, the newest first', async () => {
    const [one, two] = [await secretOf('one!'), await secretOf('two!')]
    const places = await placesOf([two, one], 'shop', 'user-1')
    expect(places).toEqual([
      await identifyList(two, 'shop', 'user-1'),
      await identifyList(one, 'shop', 'user-1'),
    ])
    expect(await placesOf([], 'shop', 'user-1')).toEqual([
      await identifyList(noSecret, 'shop', 'user-1'),
    ])
    const owner = { subject: 'user-1', listId: places[1]?.id as string, handle: 'h' }
    expect(identifyOwned(owner)).toEqual(places[1])
  })
})
