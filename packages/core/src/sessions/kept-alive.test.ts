import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { memoryStore } from '../memory.ts'
import { createSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'

/** Opens a session that was stored, reads it, and commits it. */
async function handleOne(sessions: Sessions<{ n?: number; user?: string }>) {
  const begun = await sessions.open('')
  Object.assign(begun.session.data, { n: 1, user: 'ada' })
  const cookie = (await begun.commit()).cookie!.header.split(';')[0]!
  const { session, commit } = await sessions.open(cookie)
  const data = session.data
  expect(data.n).toBe(1)
  await commit()
  const accessor = Object.getOwnPropertyDescriptor(data, 'user')!
  return { accessor, session: new WeakRef(session), data: new WeakRef(data) }
}

// V8 keeps what an accessor refers to until the next full garbage collection. If that is the whole request, it moves a
// few kilobytes for each request to the old generation.
it('an accessor of session.data refers to neither the data nor the session after the commit', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const sessions = createSessions<{ n: number; user: string }>({
    store: memoryStore(),
    secrets: 'none',
  })
  const { accessor, session, data } = await handleOne(sessions)
  for (let turn = 0; turn < 5; turn++) {
    await setImmediate()
    collect()
  }
  expect({ session: session.deref(), data: data.deref() }).toEqual({
    session: undefined,
    data: undefined,
  })
  // It still reads, and says why it does not write.
  expect(accessor.get!.call({})).toBe('ada')
  expect(() => accessor.set!.call({}, 'eve')).toThrow('Assigning session.data.user')
})
