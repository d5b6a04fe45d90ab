import { describe, expect, it } from 'vitest'
import { memoryStore } from '../store/memory-store.ts'
import { createSessions } from './sessions.ts'

const down = (): Promise<never> => Promise.reject(new Error('connection refused'))

describe('handle', () => {
  it('throws on what the handler threw, also when the logout that it asked for is not confirmed', async () => {
    const store = memoryStore()
    const sessions = createSessions({
      store,
      unavailable: 'throw',
      testing: { wait: async () => {} },
    })
    const { session, commit } = await sessions.open(null)
    session.data['n'] = 1
    const { cookie } = await commit()
    store.delete = down
    const request = new Request('https://app.example/', {
      headers: { Cookie: `${cookie?.name}=${cookie?.value}` },
    })
    const thrown = new Error('of the app')
    const answer = sessions.handle(request, (opened) => {
      opened.destroy()
      throw thrown
    })
    await expect(answer).rejects.toBe(thrown)
  })
})

describe('open', () => {
  it('says what it wants when it is given a request of node:http', async () => {
    const sessions = createSessions({ store: memoryStore() })
    const request = { headers: { cookie: 'sid=x' } } as unknown as Request
    await expect(sessions.open(request)).rejects.toThrow(
      'give a Request, or the value of its Cookie header',
    )
  })

  it('takes a Request, its Cookie header, and none', async () => {
    const sessions = createSessions({ store: memoryStore() })
    for (const source of [new Request('https://app.example/'), 'a=b', '', null, undefined]) {
      expect((await sessions.open(source)).session.state).toBe('new')
    }
  })
})
