import { describe, expect, it, vi } from 'vitest'
import type { SessionEvent } from './events.ts'
import { createPrinter, printOnce } from './print-events.ts'

const idPrefix = 'abcdefgh'

const storeError = (code: string, message: string): Error =>
  Object.assign(new Error(message), { name: 'StoreError', code })

const failed = (error: unknown): SessionEvent => ({
  type: 'store.failed',
  idPrefix,
  operation: 'save',
  error,
})

/** What is printed: one line for each kind. */
const printed: readonly (readonly [SessionEvent, string])[] = [
  [failed(storeError('unavailable', 'mem-1:11211 refused')), '(mem-1:11211 refused)'],
  [failed(storeError('auth', 'mem-1:11211 wants a login')), '(mem-1:11211 wants a login)'],
  [{ type: 'record.unreadable', idPrefix, reason: 'unknown-secret' }, 'not in `secrets`'],
  [{ type: 'record.unreadable', idPrefix, reason: 'damaged' }, 'cannot be opened'],
  [{ type: 'record.unreadable', idPrefix, reason: 'schema' }, 'The schema refuses'],
  [{ type: 'warning', what: 'createSessions: secrets is missing' }, 'secrets is missing'],
  [{ type: 'warning', what: 'createSessions: cookie.domain shares' }, 'cookie.domain shares'],
  [{ type: 'request.insecure' }, 'over plain http'],
  [{ type: 'cookie.insecure' }, 'browsers drop it'],
  [{ type: 'fixation.risk', idPrefix, key: 'user' }, 'authKeys'],
  [{ type: 'commit', idPrefix, outcome: 'conflict', tries: 16 }, 'A change was lost'],
]

/** What is not: nothing is lost by it, or the app gets an error. */
const silent: readonly SessionEvent[] = [
  { type: 'token.malformed' },
  { type: 'token.duplicate' },
  { type: 'token.unknown', idPrefix },
  { type: 'token.reused', idPrefix },
  { type: 'session.too-large', idPrefix },
  { type: 'cache.override' },
  { type: 'commit', idPrefix, outcome: 'saved', tries: 1 },
  { type: 'commit', idPrefix, outcome: 'gone', tries: 1 },
  failed(storeError('too-large', 'The record has 2000000 bytes')),
]

function open(): { readonly lines: string[]; readonly tell: (event: SessionEvent) => void } {
  const lines: string[] = []
  return { lines, tell: createPrinter((line) => lines.push(line)) }
}

describe('the console of an app without a listener', () => {
  it('C6: gets one line for each kind of loss, however often it happens', () => {
    const { lines, tell } = open()
    for (let times = 0; times < 3; times++) for (const [event] of printed) tell(event)
    expect(lines).toHaveLength(printed.length)
    for (const [at, [, text]] of printed.entries()) {
      expect(lines[at]).toMatch(/^coatcheck: .*onEvent/)
      expect(lines[at]).toContain(text)
      expect(lines[at]).not.toContain('\n')
    }
  })

  it('C6: gets nothing of what loses nothing', () => {
    const { lines, tell } = open()
    silent.forEach(tell)
    expect(lines).toEqual([])
  })

  it('rule 15: gets no id, and no text of an error that may hold one', () => {
    const { lines, tell } = open()
    const text = 'no record abcdefgh-and-the-rest of an id'
    for (const error of [
      new Error(text),
      Object.assign(new TypeError(text), { code: 'ECONNREFUSED' }),
      { message: text },
      text,
      null,
    ]) {
      open().tell(failed(error))
      tell(failed(error))
    }
    for (const [event] of printed) tell(event)
    expect(lines.join('\n')).not.toContain(idPrefix)
    expect(lines.join('\n')).not.toContain('the-rest')
    expect(lines.join('\n')).toContain('TypeError ECONNREFUSED')
  })

  it('C6: is not filled by a store whose errors have ever new codes', () => {
    const { lines, tell } = open()
    for (let at = 0; at < 1000; at++) tell(failed(storeError(`code ${at}`, 'x')))
    expect(lines.length).toBeLessThan(101)
  })

  it('C6: is the console of the runtime, if there is one', () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    printOnce({ type: 'warning', what: 'a warning of this test' })
    printOnce({ type: 'warning', what: 'a warning of this test' })
    expect(error.mock.calls).toEqual([
      ['coatcheck: a warning of this test. (Printed once. Set onEvent to receive every event.)'],
    ])
    vi.stubGlobal('console', undefined)
    expect(() => printOnce({ type: 'warning', what: 'another one' })).not.toThrow()
    vi.unstubAllGlobals()
    error.mockRestore()
  })
})
