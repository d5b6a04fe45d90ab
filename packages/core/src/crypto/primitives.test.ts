import { createSecretKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { crypto as node } from './primitives-node.ts'
import { crypto as web } from './primitives-web.ts'
import type { Bytes, Crypto, SealKey } from './primitives.ts'

function hex(text: string): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

function toHex(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes).toString('hex')
}

const ascii = (text: string): Bytes => new TextEncoder().encode(text)

/** A key of known bytes, as each implementation has it. */
const rawKeys: Record<string, (bytes: Bytes) => SealKey | Promise<SealKey>> = {
  'primitives-node': (bytes) => createSecretKey(bytes),
  'primitives-web': (bytes) =>
    globalThis.crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']),
}

/** What `seal` writes into a buffer that has room for it. */
async function seal(crypto: Crypto, key: SealKey, nonce: Bytes, plain: Bytes, extra: Bytes) {
  const whole = new Uint8Array(plain.length + 16)
  await crypto.seal(key, nonce, plain, extra, whole)
  return whole
}

/** FIPS 180-4, examples of NIST's CSRC. */
const digests: readonly [message: Bytes, digest: string][] = [
  [ascii(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [ascii('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    ascii('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  [
    ascii('a'.repeat(1_000_000)),
    'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
  ],
]

/** RFC 4231, test cases 1 to 4, 6 and 7 (5 is about truncation). */
const macs: readonly [key: Bytes, message: Bytes, mac: string][] = [
  [
    hex('0b'.repeat(20)),
    ascii('Hi There'),
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  ],
  [
    ascii('Jefe'),
    ascii('what do ya want for nothing?'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    hex('aa'.repeat(20)),
    hex('dd'.repeat(50)),
    '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
  ],
  [
    hex('0102030405060708090a0b0c0d0e0f10111213141516171819'),
    hex('cd'.repeat(50)),
    '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
  ],
  [
    hex('aa'.repeat(131)),
    ascii('Test Using Larger Than Block-Size Key - Hash Key First'),
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
  [
    hex('aa'.repeat(131)),
    ascii(
      'This is a test using a larger than block-size key and a larger than block-size data. ' +
        'The key needs to be hashed before being used by the HMAC algorithm.',
    ),
    '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
  ],
]

const octets = (from: number, to: number): Bytes =>
  Uint8Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** RFC 5869, appendices A.1 to A.3: the first 32 octets of the output, which do not depend on its length. */
const derivations: readonly [material: Bytes, salt: Bytes, info: Bytes, key: string][] = [
  [
    hex('0b'.repeat(22)),
    octets(0x00, 0x0c),
    octets(0xf0, 0xf9),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf',
  ],
  [
    octets(0x00, 0x4f),
    octets(0x60, 0xaf),
    octets(0xb0, 0xff),
    'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c',
  ],
  [
    hex('0b'.repeat(22)),
    hex(''),
    hex(''),
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d',
  ],
]

const plain60 =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
  '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39'
const sealed60 =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
  '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662'
const longKey = 'feffe9928665731c6d6a8f9467308308'.repeat(2)

/** The AES-256 cases, 13 to 16, of the GCM submission to NIST (McGrew and Viega, appendix B). */
const seals: readonly [key: string, nonce: string, plain: string, extra: string, sealed: string][] =
  [
    ['00'.repeat(32), '00'.repeat(12), '', '', '530f8afbc74536b9a963b4f1c4cb738b'],
    [
      '00'.repeat(32),
      '00'.repeat(12),
      '00'.repeat(16),
      '',
      'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
    ],
    [
      longKey,
      'cafebabefacedbaddecaf888',
      `${plain60}1aafd255`,
      '',
      `${sealed60}898015adb094dac5d93471bdec1a502270e3cc6c`,
    ],
    [
      longKey,
      'cafebabefacedbaddecaf888',
      plain60,
      'feedfacedeadbeeffeedfacedeadbeefabaddad2',
      `${sealed60}76fc6ece0f4e1768cddf8853bb2d551b`,
    ],
  ]

describe.each<[string, Crypto, Crypto]>([
  ['primitives-node', node, web],
  ['primitives-web', web, node],
])('%s', (name, crypto, other) => {
  const rawKey = rawKeys[name] as (bytes: Bytes) => SealKey | Promise<SealKey>
  const otherName = name === 'primitives-node' ? 'primitives-web' : 'primitives-node'

  it.each(digests)('S39: the digest of text %# is that of its bytes', async (message, digest) => {
    const text = new TextDecoder().decode(message)
    expect(await crypto.digest(text)).toBe(Buffer.from(digest, 'hex').toString('base64url'))
    const bytes = await crypto.sha256(ascii('\u{1f9e5} é'))
    expect(await crypto.digest('\u{1f9e5} é')).toBe(Buffer.from(bytes).toString('base64url'))
  })

  it.each(digests)('S39: sha256 of %# gives the known answer', async (message, digest) => {
    expect(toHex(await crypto.sha256(message))).toBe(digest)
  })

  it.each(macs)('S39: hmac, case %#, gives the known answer', async (key, message, mac) => {
    expect(toHex(await crypto.hmac(key, message))).toBe(mac)
  })

  it.each(derivations)('S39: deriveKey, case %#, gives the known answer', async (...row) => {
    const [material, salt, info, expected] = row
    const derived = await crypto.deriveKey(material, salt, info)
    const nonce = new Uint8Array(12)
    const sealed = await seal(crypto, derived, nonce, ascii('proof'), new Uint8Array(0))
    const known = await seal(
      crypto,
      await rawKey(hex(expected)),
      nonce,
      ascii('proof'),
      new Uint8Array(0),
    )
    expect(toHex(sealed)).toBe(toHex(known))
    const wrong = await rawKey(hex(expected.replace(/^../, '00')))
    expect(await crypto.open(wrong, nonce, sealed, new Uint8Array(0))).toBeNull()
  })

  it.each(seals)('S39: seal and open, case %#, give the known answer', async (...row) => {
    const [keyBytes, nonce, plain, extra, sealed] = row
    const key = await rawKey(hex(keyBytes))
    expect(toHex(await seal(crypto, key, hex(nonce), hex(plain), hex(extra)))).toBe(sealed)
    expect(toHex(await crypto.open(key, hex(nonce), hex(sealed), hex(extra)))).toBe(plain)
  })

  it.each(['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar', '\xfb\xff\xbf'])(
    'gives base64url without padding (RFC 4648, sections 5 and 10): %j',
    (text) => {
      const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0))
      const standard = btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
      expect(crypto.base64url(bytes)).toBe(standard)
      expect(crypto.base64url(Uint8Array.of(1, ...bytes, 2).subarray(1, -1))).toBe(standard)
    },
  )

  it('opens what a store gives in shared memory', async () => {
    const nonce = new Uint8Array(12)
    const key = await rawKey(new Uint8Array(32))
    const sealed = await seal(crypto, key, nonce, ascii('hat'), ascii('id'))
    const shared = new Uint8Array(new SharedArrayBuffer(12 + sealed.length))
    shared.set(sealed, 12)
    const [head, rest] = [shared.subarray(0, 12), shared.subarray(12)] as unknown as [Bytes, Bytes]
    expect(await crypto.open(key, head, rest, ascii('id'))).toEqual(ascii('hat'))
  })

  it('S39: opens nothing of which one bit was changed, in nonce, text, tag or extra', async () => {
    const [keyBytes, nonce, , extra, sealed] = seals[3] as (typeof seals)[number]
    const key = await rawKey(hex(keyBytes))
    const parts = { nonce: hex(nonce), extra: hex(extra), sealed: hex(sealed) }
    for (const part of ['nonce', 'extra', 'sealed'] as const) {
      for (let bit = 0; bit < parts[part].length * 8; bit++) {
        const changed = { ...parts, [part]: parts[part].slice() }
        const bytes = changed[part]
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
        expect(await crypto.open(key, changed.nonce, changed.sealed, changed.extra)).toBeNull()
      }
    }
  })

  it('S39: opens nothing shorter than a tag, and no tag cut short', async () => {
    const [keyBytes, nonce, , extra, sealed] = seals[3] as (typeof seals)[number]
    const key = await rawKey(hex(keyBytes))
    const whole = hex(sealed)
    for (let length = 0; length < whole.length; length++) {
      expect(await crypto.open(key, hex(nonce), whole.slice(0, length), hex(extra))).toBeNull()
    }
  })

  it(`S39: opens what ${otherName} has sealed, and the other way about`, async () => {
    for (const length of [0, 1, 15, 16, 17, 200, 4096, 32_768]) {
      const plain = new Uint8Array(length).map((_, at) => at * 7)
      const [nonce, extra] = [new Uint8Array(12).fill(length), ascii('extra')]
      const material = ascii('T'.repeat(43))
      const mine = await crypto.deriveKey(material, ascii('salt'), ascii('info'))
      const theirs = await other.deriveKey(material, ascii('salt'), ascii('info'))
      const sealed = await seal(crypto, mine, nonce, plain, extra)
      expect(await other.open(theirs, nonce, sealed, extra)).toEqual(plain)
      expect(await seal(other, theirs, nonce, plain, extra)).toEqual(sealed)
    }
  })

  it('gives bytes in a buffer of their own, as the other implementation needs them', async () => {
    const key = await crypto.deriveKey(ascii('material'), ascii('salt'), ascii('info'))
    const nonce = new Uint8Array(12)
    const sealed = await seal(crypto, key, nonce, ascii('plain'), ascii(''))
    for (const bytes of [
      await crypto.sha256(ascii('a')),
      await crypto.hmac(ascii('k'), ascii('a')),
      sealed,
      (await crypto.open(key, nonce, sealed, ascii(''))) as Bytes,
    ]) {
      expect(bytes.constructor).toBe(Uint8Array)
      expect(bytes.buffer.byteLength).toBe(bytes.length)
    }
  })
})

describe('the key of primitives-web', () => {
  it('rule 12: cannot be taken out of the runtime', async () => {
    const key = (await web.deriveKey(ascii('m'), ascii('s'), ascii('i'))) as CryptoKey
    expect(key.extractable).toBe(false)
    expect(key.usages.toSorted()).toEqual(['decrypt', 'encrypt'])
    await expect(globalThis.crypto.subtle.exportKey('raw', key)).rejects.toThrow()
  })
})
