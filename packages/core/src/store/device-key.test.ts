import { encode } from '@msgpack/msgpack'
import { describe, expect, it } from 'vitest'
import { decodeDevice, encodeDevice } from './device-key.ts'
import type { Device } from './device-key.ts'
import { blankRecord, checkSize } from './record.ts'
import { decodeEntry, encodeEntry } from './record-codec.ts'
import { readExtras } from './record-extras.ts'

const offered: Device = {
  id: 'd'.repeat(16),
  secret: new Uint8Array(16).fill(7),
  offeredAt: 1_700_000_000_000,
  key: null,
  proofs: 0,
}
const bound: Device = {
  ...offered,
  key: { algorithm: 'ES256', spki: new Uint8Array(91).fill(9) },
  proofs: 12,
}
const blank = blankRecord(1_700_000_000_000, new Uint8Array(16))

describe('a device in a record', () => {
  it.each([offered, bound, { ...bound, key: { ...bound.key!, algorithm: 'RS256' as const } }])(
    'comes back as it was: %#',
    (device) => {
      expect(decodeEntry(encodeEntry({ ...blank, device }))).toEqual({ ...blank, device })
    },
  )

  it('takes no byte of a record without one, which is as it was before there were devices', () => {
    const { createdAt, renewedAt, rotatedAt, root } = blank
    const before = [
      4,
      createdAt,
      renewedAt,
      rotatedAt,
      null,
      root,
      0,
      new Uint8Array(),
      {},
      0,
      false,
    ]
    expect(encodeEntry(blank)).toEqual(encode(before))
    expect(encodeEntry({ ...blank, device: undefined })).toEqual(encode(before))
  })

  it('is read beside fields that a later version adds', () => {
    expect(readExtras({ device: encodeDevice(bound), later: 1 })).toEqual({ device: bound })
    expect(readExtras({ later: 1 })).toEqual({})
  })

  it.each<[string, unknown]>([
    ['no list', {}],
    ['too short', encodeDevice(bound).slice(1)],
    ['another algorithm', encodeDevice(bound).with(3, 'HS256')],
    ['a key without its algorithm', encodeDevice(bound).with(3, null)],
    ['an algorithm without its key', encodeDevice(bound).with(4, null)],
    ['no secret', encodeDevice(bound).with(1, 'x')],
    ['a negative count', encodeDevice(bound).with(5, -1)],
    ['no time', encodeDevice(bound).with(2, null)],
    ['no id', encodeDevice(bound).with(0, 1)],
  ])('is damaged, and the record with it: %s', (_what, device) => {
    expect(decodeDevice(device)).toBeNull()
    expect(readExtras({ device })).toBeNull()
  })

  it('counts for the size of the record', () => {
    expect(() => checkSize({ ...blank, device: bound }, 410)).toThrow(
      'The session would take 411 bytes, and 410 are allowed',
    )
    expect(() => checkSize(blank, 410)).not.toThrow()
  })
})
