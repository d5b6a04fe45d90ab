import { beforeAll, describe, expect, it, vi } from 'vitest'
import { randomFrom } from '../../test/fakes/random.ts'
import { crypto as node } from './primitives-node.ts'
import { crypto as web } from './primitives-web.ts'
import type { SessionAddress } from './record-address.ts'
import { encodeText } from './encode-text.ts'
import { Keyring, noSecret, readSecret } from './keyring.ts'
import type * as keyringModule from './keyring.ts'
import type { RandomBytes } from './random.ts'
import { createSeal, noSeal } from './sealed-frame.ts'
import type * as sealModule from './sealed-frame.ts'
import type { Seal } from './sealed-frame.ts'
import { addressOf, createToken } from './token.ts'

const random: RandomBytes = (bytes) => crypto.getRandomValues(bytes)
const [first, second, third] = ['first', 'second', 'third'].map((word) =>
  `${word} secret `.repeat(4),
) as [string, string, string]
const plain = new TextEncoder().encode('{"user":"hunter2","role":"admin"}')

const sealOf = (secrets: readonly string[], namespace = 'shop', source = random): Seal =>
  createSeal(new Keyring(secrets), namespace, source)

/** As with `secrets: 'none'`. */
const tokenOnly: Seal = createSeal(new Keyring([]), 'shop', random)

const newAddress = async (namespace = 'shop'): Promise<SessionAddress> =>
  addressOf(namespace, createToken(random))

const isMine = (opened: Uint8Array | null): boolean =>
  opened !== null && Buffer.from(opened).equals(plain)

/** The same module on the other implementation of the cryptography. */
let webSeal: Pick<typeof sealModule, 'createSeal'> & Pick<typeof keyringModule, 'Keyring'>
beforeAll(async () => {
  vi.resetModules()
  vi.doMock('./primitives-node.ts', () => ({ crypto: web }))
  webSeal = { ...(await import('./sealed-frame.ts')), ...(await import('./keyring.ts')) }
  vi.doUnmock('./primitives-node.ts')
  vi.resetModules()
})

describe('an envelope', () => {
  it('rule 12: is version, key id, nonce, ciphertext and tag, as documented', async () => {
    const address = await newAddress()
    const sealed = await sealOf([first]).seal(address, plain)
    const { keyId, salt } = await readSecret(first)
    expect(sealed.length).toBe(1 + 4 + 12 + plain.length + 16)
    expect(sealed[0]).toBe(1)
    expect(sealed.slice(1, 5)).toEqual(keyId)
    const token = new TextEncoder().encode(address.token)
    const extra = Uint8Array.of(1, ...keyId, ...new TextEncoder().encode(address.id))
    for (const crypto of [node, web]) {
      const key = await crypto.deriveKey(token, salt, encodeText('seal', 'shop'))
      const opened = await crypto.open(key, sealed.slice(5, 17), sealed.slice(17), extra)
      expect(opened).toEqual(plain)
    }
  })

  it('rule 12: is the same thing on node:crypto and on Web Crypto', async () => {
    const fixed: RandomBytes = (bytes) => bytes.fill(7)
    const other = webSeal.createSeal(new webSeal.Keyring([first]), 'shop', fixed)
    expect(webSeal.createSeal).not.toBe(createSeal)
    const derive = vi.spyOn(web, 'deriveKey')
    const address = await newAddress()
    const sealed = await other.seal(address, plain)
    expect(derive).toHaveBeenCalledTimes(1)
    derive.mockRestore()
    expect(sealed).toEqual(await sealOf([first], 'shop', fixed).seal(address, plain))
    expect(await sealOf([first]).open(address, sealed)).toEqual(plain)
    expect(await other.open(address, await sealOf([first]).seal(address, plain))).toEqual(plain)
    const damaged = sealed.map((byte, at) => (at === 30 ? byte ^ 1 : byte))
    expect(await other.open(address, damaged)).toBeNull()
  })

  it('S59b: shows nothing of what is in it, nor of the token', async () => {
    const address = await newAddress()
    const text = Buffer.from(await sealOf([first]).seal(address, plain)).toString('latin1')
    for (const word of ['hunter2', 'admin', 'role', address.token.slice(0, 6), first.slice(0, 6)]) {
      expect(text).not.toContain(word)
    }
  })

  it('S39: 100,000 seals of one session repeat no nonce', async () => {
    const address = await newAddress()
    const seal = sealOf([first])
    const nonces = new Set<string>()
    const empty = new Uint8Array(0)
    for (let n = 0; n < 100_000; n++) {
      nonces.add(Buffer.from((await seal.seal(address, empty)).subarray(5, 17)).toString('latin1'))
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
    const address = await newAddress()
    const one = await seal.seal(address, plain)
    const two = await seal.seal(address, plain)
    expect(drawn).toEqual([12, 12])
    expect([one[5], two[5]]).toEqual([1, 2])
    const sameNonce: RandomBytes = (bytes) => bytes.fill(1)
    const stranger = await sealOf([first], 'shop', sameNonce).seal(await newAddress(), plain)
    expect(stranger.slice(17)).not.toEqual(one.slice(17))
  })
})

describe('a record that was tampered with', () => {
  it('rule 12: opens for its own id and token, and that is the only way in', async () => {
    const address = await newAddress()
    const seal = sealOf([first])
    const sealed = await seal.seal(address, plain)
    expect(await seal.open(address, sealed)).toEqual(plain)
    expect(await seal.open({ ...address }, sealed)).toEqual(plain)
    const other = await newAddress()
    expect(await seal.open(other, sealed)).toBeNull()
    expect(await seal.open({ ...other, id: address.id }, sealed)).toBeNull()
    expect(await seal.open({ ...address, id: other.id }, sealed)).toBeNull()
    expect(await sealOf([first], 'blog').open(address, sealed)).toBeNull()
    expect(await sealOf([second]).open(address, sealed)).toBeNull()
    expect(await tokenOnly.open(address, sealed)).toBeNull()
  })

  it('rule 12: one bit changed, anywhere, and it is null', async () => {
    const address = await newAddress()
    const seal = sealOf([first, second])
    const sealed = await seal.seal(address, plain)
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice()
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(await seal.open(address, changed)).toBeNull()
    }
  })

  it('rule 12: cut short, at whatever length, or with something added, it is null', async () => {
    const address = await newAddress()
    const seal = sealOf([first])
    const sealed = await seal.seal(address, plain)
    for (let length = 0; length < sealed.length; length++) {
      expect(await seal.open(address, sealed.slice(0, length))).toBeNull()
      expect(await seal.open(address, sealed.slice(sealed.length - length))).toBeNull()
    }
    expect(await seal.open(address, Uint8Array.of(...sealed, 0))).toBeNull()
    expect(await seal.open(address, Uint8Array.of(0, ...sealed))).toBeNull()
  })

  it('rule 12: sealed with the token alone, it is not opened where secrets are set', async () => {
    const address = await newAddress()
    const minted = await tokenOnly.seal(address, plain)
    expect(await tokenOnly.open(address, minted)).toEqual(plain)
    expect(minted.slice(1, 5)).toEqual(noSecret.keyId)
    expect(await sealOf([first]).open(address, minted)).toBeNull()
  })

  it('rule 12: the key id of a secret that is in the keyring, written over it, does not help a forger', async () => {
    const address = await newAddress()
    for (const forger of [tokenOnly, sealOf([third])]) {
      const forged = await forger.seal(address, plain)
      for (const secret of [first, second]) {
        forged.set((await readSecret(secret)).keyId, 1)
        expect(await sealOf([first, second]).open(address, forged)).toBeNull()
      }
    }
  })

  it('rule 12: any other version is null, whatever follows', async () => {
    const address = await newAddress()
    const sealed = await sealOf([first]).seal(address, plain)
    for (let version = 0; version < 256; version++) {
      const changed = Uint8Array.of(version, ...sealed.slice(1))
      expect(isMine(await sealOf([first]).open(address, changed))).toBe(version === 1)
    }
  })

  it('CVE-2026-39324: of 100,000 mutated envelopes none is opened', async () => {
    const address = await newAddress()
    const seal = sealOf([first, second])
    const whole = await seal.seal(address, plain)
    const other = await sealOf([second]).seal(await newAddress(), plain)
    const next = randomFrom(20_260_401)
    let opened = 0
    let mutated = 0
    while (mutated < 100_000) {
      const bytes = mutate(whole, other, next)
      if (Buffer.from(bytes).equals(whole)) continue
      mutated++
      if ((await seal.open(address, bytes)) !== null) opened++
    }
    expect(opened).toBe(0)
    expect(await seal.open(address, whole)).toEqual(plain)
  })

  it('CVE-2026-39324: plain bytes, JSON, MessagePack and other envelopes are never taken for data', async () => {
    const address = await newAddress()
    const seal = sealOf([first])
    const texts = ['', '{}', '{"user":1}', '[1,5]', 'v2.local.', `--${'A'.repeat(80)}`, 'null']
    for (const text of texts) {
      expect(await seal.open(address, new TextEncoder().encode(text))).toBeNull()
    }
    expect(await seal.open(address, plain)).toBeNull()
    expect(await seal.open(address, Uint8Array.of(1, 0, 0, 0, 0, ...plain))).toBeNull()
  })
})

describe('secrets that rotate', () => {
  it('S41: the newest seals, all of them open, one that is gone does not', async () => {
    const address = await newAddress()
    const before = await sealOf([first]).seal(address, plain)
    const between = sealOf([second, first])
    expect(await between.open(address, before)).toEqual(plain)
    const after = await between.seal(address, plain)
    expect(after.slice(1, 5)).toEqual((await readSecret(second)).keyId)
    expect(await sealOf([second]).open(address, after)).toEqual(plain)
    expect(await sealOf([second]).open(address, before)).toBeNull()
  })

  it('S41: their order does not matter to old records', async () => {
    const address = await newAddress()
    const all = [first, second, third]
    for (const secret of all) {
      const sealed = await sealOf([secret]).seal(address, plain)
      expect(await sealOf(all).open(address, sealed)).toEqual(plain)
      expect(await sealOf(all.toReversed()).open(address, sealed)).toEqual(plain)
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
  it('rule 12: gives the bytes back as they are', async () => {
    const address = await newAddress()
    expect(await noSeal.seal(address, plain)).toEqual(plain)
    expect(await noSeal.open(address, plain)).toEqual(plain)
  })

  it('opens a part of a larger array to memory of its own', async () => {
    const larger = new Uint8Array(1000).fill(7)
    const opened = await noSeal.open(await newAddress(), larger.subarray(100, 110))
    expect(opened?.buffer.byteLength).toBe(10)
  })
})

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
