import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { hold, release, StoreError } from '@coatcheck/core/remote'
import type { StoreErrorCode } from '@coatcheck/core/remote'
import type { Client } from '../protocol/client.ts'
import { createGuardedClient } from './guarded-client.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  // The clock of deadlines begins anew with the fake one.
  hold()
  release()
})
afterEach(() => void vi.useRealTimers())

const bytes = Uint8Array.of(1)
const cas = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1)
const hit = { value: bytes, cas }

type Answer = unknown

/** A server over a client with scripted answers, and a record of its commands. */
function serverOver(...answers: Answer[]) {
  const asked: string[] = []
  let closed = 0
  const answer = (name: string) => async (): Promise<never> => {
    asked.push(name)
    const next = answers.shift()
    if (next instanceof Error) throw next
    return (typeof next === 'function' ? await next() : next) as never
  }
  const client: Client = {
    get: answer('get'),
    add: answer('add'),
    replace: answer('replace'),
    delete: answer('delete'),
    check: answer('check'),
    close: () => void closed++,
  }
  const server = createGuardedClient(client, { deadline: 250, failures: 3, pause: 1000 })
  return { server, asked, closed: () => closed }
}

const failure = (code: StoreErrorCode, sent: boolean) => new StoreError(code, 'No', { sent })
const later = (milliseconds: number, answer: unknown) => () =>
  new Promise<unknown>((resolve, reject) => {
    setTimeout(() => (answer instanceof Error ? reject(answer) : resolve(answer)), milliseconds)
  })

const writes: [string, (server: Client) => Promise<unknown>, unknown][] = [
  ['add', (server) => server.add('key', bytes, 60), true],
  ['replace', (server) => server.replace('key', bytes, 60, cas), 'saved'],
  ['delete', (server) => server.delete('key', cas), 'deleted'],
]

describe('a server', () => {
  test('asks once where there is an answer', async () => {
    const { server, asked } = serverOver(hit, null, true, 'conflict', 'missing', undefined)
    expect(await server.get('key', 60)).toBe(hit)
    expect(await server.get('key')).toBeNull()
    expect(await server.add('key', bytes, 60)).toBe(true)
    expect(await server.replace('key', bytes, 60, cas)).toBe('conflict')
    expect(await server.delete('key')).toBe('missing')
    await server.check()
    expect(asked).toEqual(['get', 'get', 'add', 'replace', 'delete', 'check'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([
    ['unavailable', true],
    ['unavailable', false],
    ['protocol', true],
  ] as const)('asks a second time for a read after %s, sent %s', async (code, sent) => {
    const { server, asked } = serverOver(failure(code, sent), hit)
    expect(await server.get('key', 60)).toBe(hit)
    expect(asked).toEqual(['get', 'get'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each(writes)('asks a second time for %s when it was not sent', async (_, call, result) => {
    const { server, asked } = serverOver(failure('unavailable', false), result)
    expect(await call(server)).toBe(result)
    expect(asked).toHaveLength(2)
  })

  test.each(writes)('never asks a second time for %s that may have been sent', async (_, call) => {
    for (const code of ['unavailable', 'protocol'] as const) {
      const error = failure(code, true)
      const { server, asked } = serverOver(error, 'never')
      await expect(call(server)).rejects.toBe(error)
      expect(asked).toHaveLength(1)
    }
  })

  test.each(['overloaded', 'auth', 'config', 'too-large'] as const)(
    'asks nothing a second time after %s',
    async (code) => {
      const error = failure(code, false)
      const { server, asked } = serverOver(error, hit)
      await expect(server.get('key')).rejects.toBe(error)
      expect(asked).toEqual(['get'])
    },
  )

  test('asks at most twice, and tells what it heard last', async () => {
    const last = failure('unavailable', true)
    const { server, asked } = serverOver(failure('unavailable', false), last, hit)
    await expect(server.add('key', bytes, 60)).rejects.toBe(last)
    expect(asked).toEqual(['add', 'add'])
  })

  test('gives the second try what the first has left of the deadline', async () => {
    const { server, asked } = serverOver(later(200, failure('unavailable', true)), later(1000, hit))
    const ends: string[] = []
    void server.get('key').catch((error: StoreError) => ends.push(`${error.code} ${error.sent}`))
    await vi.advanceTimersByTimeAsync(200)
    expect(asked).toEqual(['get', 'get'])
    await vi.advanceTimersByTimeAsync(49)
    expect(ends).toEqual([])
    await vi.advanceTimersByTimeAsync(2)
    expect(ends).toEqual(['unavailable true'])
  })

  test('has no second try once the deadline is over', async () => {
    const { server, asked } = serverOver(later(250, failure('unavailable', true)), hit)
    const call = expect(server.get('key')).rejects.toMatchObject({ code: 'unavailable' })
    await vi.advanceTimersByTimeAsync(250)
    await call
    expect(asked).toEqual(['get'])
  })

  test('reports no second try that fails after the deadline', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const late = later(1000, failure('unavailable', true))
    const { server } = serverOver(failure('unavailable', true), late)
    const call = expect(server.get('key')).rejects.toThrow('The server did not answer in time')
    await vi.advanceTimersByTimeAsync(2000)
    await call
    vi.useRealTimers()
    await new Promise((resolve) => setTimeout(resolve, 5))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('refuses everything but a check once three commands have failed', async () => {
    const errors = Array.from({ length: 3 }, () => failure('unavailable', true))
    const { server, asked } = serverOver(...errors, undefined, hit)
    for (const [, call] of writes) await expect(call(server)).rejects.toThrow('No')
    await expect(server.get('key')).rejects.toThrow('did not answer before')
    for (const [, call] of writes)
      await expect(call(server)).rejects.toThrow('did not answer before')
    expect(asked).toEqual(['add', 'replace', 'delete'])
    await server.check()
    expect(await server.get('key')).toBe(hit)
  })

  test('closes its client, and leaves no timer', async () => {
    const errors = Array.from({ length: 3 }, () => failure('unavailable', true))
    const { server, closed } = serverOver(...errors)
    for (const [, call] of writes) await expect(call(server)).rejects.toThrow('No')
    expect(vi.getTimerCount()).toBe(1)
    server.close()
    expect(closed()).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
