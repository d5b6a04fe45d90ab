import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Bytes } from './primitives.ts'
import { Keyring, noSecret, readSecret } from './keyring.ts'

const [first, second] = ['first secret '.repeat(4), 'second secret '.repeat(4)] as const
const text: Bytes = new TextEncoder().encode('a text')

describe('readSecret', () => {
  it('S41: names a secret by 4 bytes of a hash, and salts with the whole of it', async () => {
    const { keyId, salt } = await readSecret(first)
    const digest = createHash('sha256').update(`coatcheck key id 1\0${first}`).digest()
    expect(Buffer.from(keyId).equals(digest.subarray(0, 4))).toBe(true)
    expect(new TextDecoder().decode(salt)).toBe(first)
    expect((await readSecret(second)).keyId).not.toEqual(keyId)
  })
})

describe('a keyring', () => {
  it('S41: has the newest secret first', async () => {
    expect(await new Keyring([second, first]).newest()).toEqual(await readSecret(second))
  })

  it('rule 12: finds every secret by the id that a record has, and no other', async () => {
    const keyring = new Keyring([first, second])
    for (const each of [first, second]) {
      const secret = await readSecret(each)
      expect(await keyring.find(secret.keyId)).toEqual(secret)
      expect(await keyring.find(Uint8Array.of(...secret.keyId))).toEqual(secret)
      for (let at = 0; at < 4; at++) {
        const changed = secret.keyId.map((byte, index) => (index === at ? byte ^ 1 : byte))
        expect(await keyring.find(changed)).toBeUndefined()
      }
    }
    expect(await keyring.find(noSecret.keyId)).toBeUndefined()
    expect(await keyring.find(new Uint8Array(0))).toBeUndefined()
  })

  it('authenticates a text by every secret, the newest first', async () => {
    const macs = await new Keyring([second, first]).authenticate(text)
    const expected = [second, first].map((secret) =>
      createHmac('sha256', secret).update(text).digest('hex'),
    )
    expect(macs.map((mac) => Buffer.from(mac).toString('hex'))).toEqual(expected)
  })

  it('rule 12: holds no secret without any, and makes a hash of a text', async () => {
    const keyring = new Keyring([])
    expect(await keyring.newest()).toBe(noSecret)
    expect(await keyring.find(new Uint8Array(4))).toBe(noSecret)
    const [hash, ...more] = await keyring.authenticate(text)
    expect(more).toEqual([])
    expect(Buffer.from(hash as Bytes).toString('hex')).toBe(
      createHash('sha256').update(text).digest('hex'),
    )
    expect(noSecret).toEqual({ keyId: new Uint8Array(4), salt: new Uint8Array(0) })
  })

  it('S38: reports an error to the first caller, and ends no process by it', async () => {
    const keyring = new Keyring([null as unknown as string])
    await new Promise((resolve) => void setImmediate(resolve))
    expect(await keyring.newest().then(Boolean, Boolean)).toBe(true)
  })
})
