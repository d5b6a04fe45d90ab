import { createSessions } from '@coatcheck/core'
import type { StandardSchema } from '@coatcheck/core'
import { expect, it } from 'vitest'
import { describeOnAll } from '../backends.ts'
import { createVisitor } from '../visitor.ts'

interface Before {
  readonly name?: string
}
interface Now {
  names?: readonly string[]
}

/** Takes what the last version kept, and what it makes of that. */
const schema: StandardSchema<unknown, Now> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate(given) {
      const { name, names } = given as Before & Now
      return {
        value: names !== undefined ? { names } : name !== undefined ? { names: [name] } : {},
      }
    },
  },
}

describeOnAll('an application whose data change their shape', (backend) => {
  const base = {
    store: backend.store,
    testing: { now: backend.now },
    secrets: ['a secret of thirty-two bytes, or so'],
  }

  it('T17: carries them over by its schema, at load, and goes on from there', async () => {
    const before = createVisitor(createSessions<Record<string, unknown>>(base))
    await before.visit(({ data }) => void (data['name'] = 'ann'))
    const now = createSessions({ ...base, schema })
    const first = await now.open(before.cookie)
    expect([first.session.state, first.session.data]).toEqual(['live', { names: ['ann'] }])
    expect((await first.commit()).outcome).toBe('unchanged')
    const second = await now.open(before.cookie)
    second.session.data.names = [...(second.session.data.names ?? []), 'bob']
    expect((await second.commit()).outcome).toBe('saved')
    expect((await now.open(before.cookie)).session.data).toEqual({ names: ['ann', 'bob'] })
  })

  it('T17: still serves the version before, for a deploy that is taken back', async () => {
    const old = createSessions<Record<string, unknown>>(base)
    const before = createVisitor(old)
    await before.visit(({ data }) => void (data['name'] = 'ann'))
    const { session, commit } = await createSessions({ ...base, schema }).open(before.cookie)
    session.data.names = ['bob']
    await commit()
    expect((await old.open(before.cookie)).session.data['name']).toBe('ann')
  })
})
