import { describe, expect, it } from 'vitest'
import { fake, newAddress, put, second, start } from '../../test/fakes/context.ts'
import { touchAndRead } from './touch.ts'

const persistent = { idle: 600, absolute: 6000 }

describe('the idle end of a session that is used', () => {
  it('moves with the read, in one command', async () => {
    const made = fake({ lifetime: { idle: 60 } })
    const loaded = await put(made, { a: 1 })
    made.clock.now += 5 * second
    expect(await touchAndRead(made.context, loaded.address)).toEqual(loaded)
    expect(made.commands()).toEqual(['load'])
    expect(made.store.expiries.get(loaded.address.id)).toBe(start + 65 * second)
  })

  it('takes a second command if the process does not know which lifetime it has', async () => {
    const made = fake({ lifetime: { idle: 60, persistent } })
    const loaded = await put(made, { a: 1 }, { isPersistent: true })
    await touchAndRead(made.context, loaded.address)
    expect(made.commands()).toEqual(['load', 'load'])
    expect(made.store.expiries.get(loaded.address.id)).toBe(start + 600 * second)
    made.clock.now += 5 * second
    await touchAndRead(made.context, loaded.address)
    expect(made.commands()).toEqual(['load'])
    expect(made.store.expiries.get(loaded.address.id)).toBe(start + 605 * second)
  })

  it('is not asked for where nothing was found', async () => {
    const made = fake({ lifetime: { idle: 60, persistent } })
    expect(await touchAndRead(made.context, await newAddress(made))).toBe('missing')
    expect(made.commands()).toEqual(['load'])
  })
})
