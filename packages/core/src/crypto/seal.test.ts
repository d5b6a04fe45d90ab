import { beforeAll, describe, expect, it, vi } from 'vitest'
import { crypto as node } from './crypto-node.ts'
import { crypto as web } from './crypto-web.ts'
import { createSeal, noSeal, noSecret, readSecret } from './seal.ts'
import type * as sealModule from './seal.ts'
import type { Seal } from './seal.ts'
import { createToken, encodeText, identify } from './token.ts'
import type { Identity, RandomBytes } from './token.ts'

const random: RandomBytes = (bytes) => crypto.getRandomValues(bytes)
const [first, second, third] = ['first', 'second', 'third'].map((word) =>
  `${word} secret `.repeat(4),
) as [string, string, string]
const plain = new TextEncoder().encode('{"user":"hunter2","role":"admin"}')

const sealOf = (secrets: readonly string[], namespace = 'shop', source = random): Seal =>
  createSeal(Promise.all(secrets.map(readSecret)), namespace, source)

/** As with `secrets: 'none'`. */
const tokenOnly: Seal = createSeal(Promise.resolve([noSecret]), 'shop', random)

const newIdentity = (namespace = 'shop'): Promise<Identity> =>
  identify(namespace, createToken(random))

const isMine = (opened: Uint8Array | null): boolean =>
  opened !== null && Buffer.from(opened).equals(plain)

/** The same module on the other implementation of the cryptography. */
let webSeal: Pick<typeof sealModule, 'createSeal' | 'readSecret'>
beforeAll(async () => {
  vi.resetModules()
  vi.doMock('./crypto-node.ts', () => ({ crypto: web }))
  webSeal = await import('./seal.ts')
  vi.doUnmock('./crypto-node.ts')
  vi.resetModules()
})

describe('an envelope', () => {
  it('rule 12: is version, key id, nonce, ciphertext and tag, as documented', async () => {
    const identity = await newIdentity()
    const sealed = await sealOf([first]).seal(identity, plain)
    const { keyId, salt } = await readSecret(first)
    expect(sealed.length).toBe(1 + 4 + 12 + plain.length + 16)
    expect(sealed[0]).toBe(1)
    expect(sealed.slice(1, 5)).toEqual(keyId)
    const token = new TextEncoder().encode(identity.token)
    const extra = Uint8Array.of(1, ...keyId, ...new TextEncoder().encode(identity.id))
    for (const crypto of [node, web]) {
      const key = await crypto.deriveKey(token, salt, encodeText('seal', 'shop'))
      const opened = await crypto.open(key, sealed.slice(5, 17), sealed.slice(17), extra)
      expect(opened).toEqual(plain)
    }
  })

  it('rule 12: is the same thing on node:crypto and on Web Crypto', async () => {
    const fixed: RandomBytes = (bytes) => bytes.fill(7)
    const other = webSeal.createSeal(Promise.all([first].map(webSeal.readSecret)), 'shop', fixed)
    expect(webSeal.createSeal).not.toBe(createSeal)
    const derive = vi.spyOn(web, 'deriveKey')
    const identity = await newIdentity()
    const sealed = await other.seal(identity, plain)
    expect(derive).toHaveBeenCalledTimes(1)
    derive.mockRestore()
    expect(sealed).toEqual(await sealOf([first], 'shop', fixed).seal(identity, plain))
    expect(await sealOf([first]).open(identity, sealed)).toEqual(plain)
    expect(await other.open(identity, await sealOf([first]).seal(identity, plain))).toEqual(plain)
    const damaged = sealed.map((byte, at) => (at === 30 ? byte ^ 1 : byte))
    expect(await other.open(identity, damaged)).toBeNull()
  })

  it('S59b: shows nothing of what is in it, nor of the token', async () => {
    const identity = await newIdentity()
    const text = Buffer.from(await sealOf([first]).seal(identity, plain)).toString('latin1')
    for (const word of [
      'hunter2',
      'admin',
      'role',
      identity.token.slice(0, 6),
      first.slice(0, 6),
    ]) {
      expect(text).not.toContain(word)
    }
  })

  it('S39: 100,000 seals of one session repeat no nonce', async () => {
    const identity = await newIdentity()
    const seal = sealOf([first])
    const nonces = new Set<string>()
    const empty = new Uint8Array(0)
    for (let n = 0; n < 100_000; n++) {
      nonces.add(Buffer.from((await seal.seal(identity, empty)).subarray(5, 17)).toString('latin1'))
    }
    expect(nonces.size).toBe(100_000)
  })

  it('S39: takes its nonce from the random source, every time, and has a key for each session', async () => {
    const drawn: number[] = []
    const counting: RandomBytes = (bytes) => {
      drawn.push(bytes.length)
      bytes.fill(drawn.length)
    }
    const seal = sealOf([first], 'shop', counting)
    const identity = await newIdentity()
    const one = await seal.seal(identity, plain)
    const two = await seal.seal(identity, plain)
    expect(drawn).toEqual([12, 12])
    expect([one[5], two[5]]).toEqual([1, 2])
    const sameNonce: RandomBytes = (bytes) => bytes.fill(1)
    const stranger = await sealOf([first], 'shop', sameNonce).seal(await newIdentity(), plain)
    expect(stranger.slice(17)).not.toEqual(one.slice(17))
  })
})

describe('a record that was tampered with', () => {
  it('rule 12: opens for its own id and token, and that is the only way in', async () => {
    const identity = await newIdentity()
    const seal = sealOf([first])
    const sealed = await seal.seal(identity, plain)
    expect(await seal.open(identity, sealed)).toEqual(plain)
    expect(await seal.open({ ...identity }, sealed)).toEqual(plain)
    const other = await newIdentity()
    expect(await seal.open(other, sealed)).toBeNull()
    expect(await seal.open({ id: identity.id, token: other.token }, sealed)).toBeNull()
    expect(await seal.open({ id: other.id, token: identity.token }, sealed)).toBeNull()
    expect(await sealOf([first], 'blog').open(identity, sealed)).toBeNull()
    expect(await sealOf([second]).open(identity, sealed)).toBeNull()
    expect(await tokenOnly.open(identity, sealed)).toBeNull()
  })

  it('rule 12: one bit changed, anywhere, and it is null', async () => {
    const identity = await newIdentity()
    const seal = sealOf([first, second])
    const sealed = await seal.seal(identity, plain)
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice()
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(await seal.open(identity, changed)).toBeNull()
    }
  })

  it('rule 12: cut short, at whatever length, or with something added, it is null', async () => {
    const identity = await newIdentity()
    const seal = sealOf([first])
    const sealed = await seal.seal(identity, plain)
    for (let length = 0; length < sealed.length; length++) {
      expect(await seal.open(identity, sealed.slice(0, length))).toBeNull()
      expect(await seal.open(identity, sealed.slice(sealed.length - length))).toBeNull()
    }
    expect(await seal.open(identity, Uint8Array.of(...sealed, 0))).toBeNull()
    expect(await seal.open(identity, Uint8Array.of(0, ...sealed))).toBeNull()
  })

  it('rule 12: sealed with the token alone, it is not opened where secrets are set', async () => {
    const identity = await newIdentity()
    const minted = await tokenOnly.seal(identity, plain)
    expect(await tokenOnly.open(identity, minted)).toEqual(plain)
    expect(minted.slice(1, 5)).toEqual(noSecret.keyId)
    expect(await sealOf([first]).open(identity, minted)).toBeNull()
  })

  it('rule 12: the key id of a secret we have, written over it, does not help a forger', async () => {
    const identity = await newIdentity()
    for (const forger of [tokenOnly, sealOf([third])]) {
      const forged = await forger.seal(identity, plain)
      for (const secret of [first, second]) {
        forged.set((await readSecret(secret)).keyId, 1)
        expect(await sealOf([first, second]).open(identity, forged)).toBeNull()
      }
    }
  })

  it('rule 12: another version than ours is null, whatever follows', async () => {
    const identity = await newIdentity()
    const sealed = await sealOf([first]).seal(identity, plain)
    for (let version = 0; version < 256; version++) {
      const changed = Uint8Array.of(version, ...sealed.slice(1))
      expect(isMine(await sealOf([first]).open(identity, changed))).toBe(version === 1)
    }
  })

  it('CVE-2026-39324: of 100,000 mutated envelopes none is opened', async () => {
    const identity = await newIdentity()
    const seal = sealOf([first, second])
    const whole = await seal.seal(identity, plain)
    const other = await sealOf([second]).seal(await newIdentity(), plain)
    const next = randomFrom(20_260_401)
    let opened = 0
    let mutated = 0
    while (mutated < 100_000) {
      const bytes = mutate(whole, other, next)
      if (Buffer.from(bytes).equals(whole)) continue
      mutated++
      if ((await seal.open(identity, bytes)) !== null) opened++
    }
    expect(opened).toBe(0)
    expect(await seal.open(identity, whole)).toEqual(plain)
  })

  it('CVE-2026-39324: plain bytes, JSON, MessagePack and other envelopes are never taken for data', async () => {
    const identity = await newIdentity()
    const seal = sealOf([first])
    const texts = ['', '{}', '{"user":1}', '[1,5]', 'v2.local.', `--${'A'.repeat(80)}`, 'null']
    for (const text of texts) {
      expect(await seal.open(identity, new TextEncoder().encode(text))).toBeNull()
    }
    expect(await seal.open(identity, plain)).toBeNull()
    expect(await seal.open(identity, Uint8Array.of(1, 0, 0, 0, 0, ...plain))).toBeNull()
  })
})

describe('secrets that rotate', () => {
  it('S41: the newest seals, all of them open, one that is gone does not', async () => {
    const identity = await newIdentity()
    const before = await sealOf([first]).seal(identity, plain)
    const between = sealOf([second, first])
    expect(await between.open(identity, before)).toEqual(plain)
    const after = await between.seal(identity, plain)
    expect(after.slice(1, 5)).toEqual((await readSecret(second)).keyId)
    expect(await sealOf([second]).open(identity, after)).toEqual(plain)
    expect(await sealOf([second]).open(identity, before)).toBeNull()
  })

  it('S41: their order does not matter to old records', async () => {
    const identity = await newIdentity()
    const all = [first, second, third]
    for (const secret of all) {
      const sealed = await sealOf([secret]).seal(identity, plain)
      expect(await sealOf(all).open(identity, sealed)).toEqual(plain)
      expect(await sealOf(all.toReversed()).open(identity, sealed)).toEqual(plain)
    }
  })

  it('S41: the key id tells nothing of the secret but 32 bits of a hash', async () => {
    const { keyId } = await readSecret(first)
    const digest = await node.sha256(encodeText('key id', first))
    expect(keyId).toEqual(digest.slice(0, 4))
    expect(keyId).not.toEqual(new TextEncoder().encode(first).slice(0, 4))
  })
})

describe('the seal of a store inside the process', () => {
  it('rule 12: is none', async () => {
    const identity = await newIdentity()
    expect(await noSeal.seal(identity, plain)).toBe(plain)
    expect(await noSeal.open(identity, plain)).toBe(plain)
  })
})

/** A small generator with a seed, so that a failure can be run again. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function mutate(whole: Uint8Array, other: Uint8Array, next: (below: number) => number): Uint8Array {
  const bytes = [...whole]
  const way = next(6)
  const at = next(bytes.length)
  if (way === 0) bytes[at] = next(256)
  else if (way === 1) bytes.length = at
  else if (way === 2) bytes.splice(at, 1 + next(4))
  else if (way === 3) bytes.splice(at, 0, next(256), next(256))
  else if (way === 4) bytes.splice(0, at, ...other.slice(0, at))
  else bytes.splice(at, bytes.length, ...other.slice(at))
  return Uint8Array.from(bytes)
}
