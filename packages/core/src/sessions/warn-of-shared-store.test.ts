import { describe, expect, it } from 'vitest'
import type { SessionEvent } from '../events.ts'
import { memoryStore } from '../store/memory-store.ts'
import { createSessions } from './sessions.ts'

describe('two sessions objects on one store', () => {
  function told(...namespaces: readonly (string | undefined)[]): readonly SessionEvent[] {
    const store = memoryStore()
    const events: SessionEvent[] = []
    const onEvent = (event: SessionEvent): void => void events.push(event)
    for (const namespace of namespaces) {
      createSessions({ store, onEvent, ...(namespace === undefined ? {} : { namespace }) })
    }
    return events
  }

  it('H7: are told if neither has a namespace, and what to do', () => {
    expect(told(undefined, undefined)).toEqual([
      { type: 'warning', what: expect.stringMatching(/each opens the sessions of.*give each a/) },
    ])
  })

  it.each([
    [undefined],
    ['shop', undefined],
    [undefined, 'shop'],
    ['shop', 'blog'],
    ['shop', 'shop'],
    ['default', 'default'],
  ])('H7: are not told where a namespace says what is meant: %s, %s', (...namespaces) => {
    expect(told(...namespaces)).toEqual([])
  })

  it('H7: on stores of their own are not told', () => {
    expect([...told(undefined), ...told(undefined)]).toEqual([])
  })
})
