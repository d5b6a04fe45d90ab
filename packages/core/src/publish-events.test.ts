import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { SessionEvent } from './events.ts'
import type { PublishedEvent } from './publish-events.ts'
import { publishing } from './publish-events.ts'
import { createSessions } from './sessions/sessions.ts'
import { memoryStore } from './memory.ts'

const name = 'coatcheck:event'
const malformed: SessionEvent = { type: 'token.malformed' }

let heard: unknown[] = []
const hear = (message: unknown): void => void heard.push(message)
afterEach(() => {
  unsubscribe(name, hear)
  vi.unstubAllGlobals()
  heard = []
})

describe('the channel coatcheck:event', () => {
  it('carries every event of all sessions, with their namespace, and onEvent hears it too', async () => {
    const own: SessionEvent[] = []
    subscribe(name, hear)
    const make = (namespace: string) =>
      createSessions<{ visits: number }>({
        store: memoryStore(),
        namespace,
        onEvent: (event) => void own.push(event),
      })
    for (const namespace of ['shop', 'admin']) {
      const { session, commit } = await make(namespace).open('__Host-Http-sid=nonsense')
      session.data.visits = 1
      await commit()
    }
    const idPrefix = expect.stringMatching(/^[\w-]{8}$/)
    const commit = { type: 'commit', idPrefix, outcome: 'created', tries: 1 }
    expect(heard).toEqual(
      ['shop', 'admin'].flatMap((namespace) => [
        { version: 1, namespace, event: malformed },
        { version: 1, namespace, event: commit },
      ]),
    )
    expect(own).toEqual(heard.map((message) => (message as PublishedEvent).event))
  })

  it('gets no message while it has no subscriber', () => {
    const fake = { hasSubscribers: false, publish: vi.fn<(message: unknown) => void>() }
    vi.stubGlobal('process', { getBuiltinModule: () => ({ channel: () => fake }) })
    const own: SessionEvent[] = []
    const onEvent = publishing('shop', (event) => void own.push(event))
    onEvent(malformed)
    expect(fake.publish).not.toHaveBeenCalled()
    fake.hasSubscribers = true
    onEvent(malformed)
    expect(fake.publish.mock.calls).toEqual([[{ version: 1, namespace: 'shop', event: malformed }]])
    expect(own).toEqual([malformed, malformed])
  })

  it.each([
    ['has no process', undefined],
    ['has a process without modules', {}],
    ['has no such module', { getBuiltinModule: () => undefined }],
    ['has a module without channels', { getBuiltinModule: () => ({}) }],
    [
      'refuses to load it',
      {
        getBuiltinModule() {
          throw new Error('not here')
        },
      },
    ],
  ])('is left out where the runtime %s', (_, process) => {
    vi.stubGlobal('process', process)
    const onEvent = (): void => {}
    expect(publishing('shop', onEvent)).toBe(onEvent)
  })
})
