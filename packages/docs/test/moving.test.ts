import { createSessions } from '@coatcheck/core'
import type { SessionStore } from '@coatcheck/core'
import { startMemcached } from '@coatcheck/harness/memcached'
import { startValkey } from '@coatcheck/harness/valkey'
import { memcachedStore } from '@coatcheck/memcached'
import { movingStore, valkeyStore } from '@coatcheck/valkey'
import { expect, it, onTestFinished } from 'vitest'

it('moves from memcached to Valkey: every visitor stays signed in, and sign-outs hold', async () => {
  const [memcached, valkey] = await Promise.all([startMemcached({ trace: false }), startValkey()])
  onTestFinished(async () => {
    await Promise.all([memcached.kill(), valkey.end()])
  })
  const from = memcachedStore({ servers: memcached.address })
  const to = valkeyStore({ url: valkey.address })
  onTestFinished(() => {
    from.close()
    to.close()
  })
  const secrets = ['a secret of at least 32 characters, for tests']
  const open = (store: SessionStore) =>
    createSessions<{ visits?: number }>({ store, secrets, namespace: 'moving' })
  const [before, moving, after] = [
    open(from),
    open(movingStore({ from, to, isMoving: true })),
    open(to),
  ]
  const begin = async (subject: string): Promise<string> => {
    const { session, commit } = await before.open('')
    session.signIn(subject)
    const { cookie } = await commit()
    return `${cookie?.name}=${cookie?.value}`
  }
  const [ann, bob] = [await begin('ann'), await begin('bob')]

  const visit = await moving.open(ann)
  expect(visit.session.subject).toBe('ann')
  visit.session.data.visits = 1
  expect((await visit.commit()).outcome).toBe('saved')
  expect((await moving.open(ann)).session.data.visits).toBe(1)

  const renewal = await moving.open(ann)
  renewal.session.renew()
  const { cookie } = await renewal.commit()
  const moved = `${cookie?.name}=${cookie?.value}`
  expect((await moving.open(ann)).session.state).toBe('new')
  expect((await moving.open(moved)).session.data.visits).toBe(1)
  expect((await valkey.ask('dbsize')) as number).toBeGreaterThan(0)

  const leaving = await moving.open(bob)
  leaving.session.destroy()
  expect((await leaving.commit()).outcome).toBe('destroyed')
  for (const each of [before, moving, after]) {
    expect((await each.open(bob)).session.state).toBe('new')
  }
  // Her list has moved with her: the new store alone knows both.
  expect((await after.open(moved)).session.subject).toBe('ann')
  expect(await moving.revoke('ann')).not.toBe('unconfirmed')
  expect((await moving.open(moved)).session.state).toBe('new')
})
