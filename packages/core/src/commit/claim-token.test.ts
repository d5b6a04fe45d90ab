import { describe, expect, it } from 'vitest'
import {
  answered,
  fake,
  forwarding,
  lost,
  read,
  recordOf,
  refused,
  second,
  start,
  valuesOf,
} from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import type { SessionAddress } from '../crypto/record-address.ts'
import { recordCodec } from '../store/record-codec.ts'
import type { SessionRecord } from '../store/record.ts'
import { newOwner } from '../subjects/operations.ts'
import { claim } from './claim-token.ts'
import type { Claim } from './claim-token.ts'

const record = recordOf({ a: 1 })

async function stored(made: Fake, { address }: Claim): Promise<SessionRecord> {
  const found = address && (await read(made, address))
  if (!found) throw new Error('there is no record')
  return found.record
}

function idsOf({ store }: Fake): readonly string[] {
  return store.log.map(([, id]) => id)
}

describe('claim', () => {
  it('rule 6: adds a record under a fresh token with one command', async () => {
    const made = fake()
    const claimed = await claim(made.context, record)
    expect(claimed).toMatchObject({ outcome: 'created', tries: 1 })
    expect(await stored(made, claimed)).toEqual(record)
    expect(made.commands()).toEqual(['create'])
  })

  it('S55: takes another token if one is taken, and leaves what is there as it was', async () => {
    let draws = 0
    const random = (bytes: Uint8Array): Uint8Array => bytes.fill(draws++ < 3 ? 1 : draws)
    const made = fake({ testing: { random } })
    const first = await claim(made.context, recordOf({ first: true }))
    made.commands()
    const second = await claim(made.context, record)
    expect(made.commands()).toEqual(['create', 'create', 'create'])
    expect(second).toMatchObject({ outcome: 'created', tries: 3 })
    expect(second.address?.id).not.toBe(first.address?.id)
    expect(valuesOf(await stored(made, first))).toEqual({ first: true })
    expect(valuesOf(await stored(made, second))).toEqual({ a: 1 })
  })

  it('S32: gives up after 16 tokens that are taken', async () => {
    const made = fake({ testing: { random: (bytes) => bytes.fill(1) } })
    await claim(made.context, record)
    made.commands()
    expect(await claim(made.context, record)).toEqual({ outcome: 'conflict', tries: 16 })
    expect(made.commands()).toHaveLength(16)
  })

  it('S90: trusts a record that was renewed or has a subject, and no other', async () => {
    const made = fake({ lifetime: { unused: 60, idle: 600 } })
    const owner = await newOwner(made.context, 'zoë')
    const expiryOf = async (more: Partial<SessionRecord>): Promise<number> => {
      const { address } = await claim(made.context, { ...record, ...more })
      return (made.store.expiries.get(address?.id ?? '') as number) - start
    }
    expect(await expiryOf({})).toBe(60 * second)
    expect(await expiryOf({ renewedAt: start })).toBe(600 * second)
    expect(await expiryOf({ owner })).toBe(600 * second)
  })

  it('rule 6: notes the lifetime, so that the next read moves the right idle end in one trip', async () => {
    const lifetime = { idle: 600, absolute: 900, persistent: { idle: 6000, absolute: 9000 } }
    const { context } = fake({ lifetime })
    for (const [isPersistent, idle] of [
      [true, 6000],
      [undefined, 600],
    ] as const) {
      const { address } = await claim(context, { ...record, isPersistent })
      expect(context.lifetimes.idleEnd(address?.id ?? '')).toBe(start + idle * second)
    }
  })

  it('passes on the error of a fault in the set-up', async () => {
    const made = fake()
    const fault = Object.assign(new Error('no cas'), { code: 'config' })
    made.store.fail('create', () => Promise.reject(fault))
    await expect(claim(made.context, record)).rejects.toBe(fault)
  })
})

describe('a claim whose answer is lost', () => {
  it('S88: keeps the token if the record is there', async () => {
    const made = fake()
    made.store.fail('create', lost)
    const claimed = await claim(made.context, record)
    expect(claimed).toMatchObject({ outcome: 'created', tries: 1 })
    expect(new Set(idsOf(made)).size).toBe(1)
    expect(made.commands()).toEqual(['create', 'load'])
    expect(await stored(made, claimed)).toEqual(record)
  })

  it('S88: sends it once more, under another token, if the record is not there', async () => {
    const made = fake()
    made.store.fail('create', refused)
    const claimed = await claim(made.context, record)
    expect(new Set(idsOf(made)).size).toBe(2)
    expect(made.commands()).toEqual(['create', 'load', 'create'])
    expect(await stored(made, claimed)).toEqual(record)
  })

  it('rule 2: gives out no token whose record a command under way could bring back after a sign-out', async () => {
    const made = fake()
    let arrive: () => Promise<unknown> = async () => null
    made.store.fail('create', async (run) => {
      arrive = run
      throw new Error('timed out')
    })
    const claimed = await claim(made.context, record)
    await made.context.records.delete(claimed.address?.id as string)
    expect(await arrive()).toBe(true)
    expect(await read(made, claimed.address as SessionAddress)).toBeNull()
  })

  it('rule 3: issues no token if two answers are lost, and the record is not there', async () => {
    const made = fake()
    made.store.fail('create', refused, refused)
    expect(await claim(made.context, record)).toEqual({ outcome: 'unavailable', tries: 2 })
    expect(made.commands()).toEqual(['create', 'load', 'create', 'load'])
  })

  it('rule 3: issues no token if the store cannot be asked', async () => {
    const made = fake()
    made.store.fail('create', lost)
    made.store.fail('load', refused)
    expect(await claim(made.context, record)).toEqual({ outcome: 'unavailable', tries: 1 })
    expect(made.commands()).toEqual(['create', 'load'])
  })

  it('rule 3: counts lost answers, not the tokens in between that are taken', async () => {
    const made = fake()
    made.store.fail('create', refused, answered(false), refused)
    expect(await claim(made.context, record)).toEqual({ outcome: 'unavailable', tries: 3 })
    expect(made.commands()).toEqual(['create', 'load', 'create', 'create', 'load'])
  })

  it('takes no record for its own that has another root', async () => {
    const made = fake()
    const other = recordOf({ b: 1 }, { root: new Uint8Array(16).fill(9) })
    made.store.fail('create', async (run) => {
      const id = made.store.log.at(-1)?.[1] as string
      await made.store.elsewhere(() =>
        made.context.records.create({ id, keyMaterial: '' }, other, start + 1e6),
      )
      await run()
      throw new Error('timed out')
    })
    const claimed = await claim(made.context, record)
    expect(await stored(made, claimed)).toEqual(record)
    expect(made.store.log[0]?.[1]).not.toBe(claimed.address?.id)
  })

  it.each([
    ['cannot be opened', { bytes: Uint8Array.of(1), version: 1 }],
    ['is a forward', { bytes: recordCodec.encode(forwarding('t')()), version: 1 }],
  ])('takes nothing for its own that %s', async (_name, stored) => {
    const made = fake()
    made.store.fail('create', lost)
    made.store.fail('load', answered(stored))
    const claimed = await claim(made.context, record)
    expect(claimed).toMatchObject({ outcome: 'created', tries: 2 })
    expect(made.commands()).toEqual(['create', 'load', 'create'])
  })
})
