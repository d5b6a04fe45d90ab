import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { StoreError } from '../errors.ts'
import type { StoreErrorCode } from '../errors.ts'
import { createNode } from './server.ts'
import type { Wire } from '../protocol/client.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const bytes = Uint8Array.of(1)
const cas = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1)
const hit = { value: bytes, cas }

type Answer = unknown

/** A node over a wire that gives these answers, one after the other, and what it was asked. */
function nodeOver(...answers: Answer[]) {
  const asked: string[] = []
  let closed = 0
  const answer = (name: string) => async (): Promise<never> => {
    asked.push(name)
    const next = answers.shift()
    if (next instanceof Error) throw next
    return (typeof next === 'function' ? await next() : next) as never
  }
  const wire: Wire = {
    get: answer('get'),
    add: answer('add'),
    replace: answer('replace'),
    delete: answer('delete'),
    check: answer('check'),
    close: () => void closed++,
  }
  const node = createNode(wire, { deadline: 250, failures: 3, pause: 1000 })
  return { node, asked, closed: () => closed }
}

const failure = (code: StoreErrorCode, sent: boolean) => new StoreError(code, 'No', { sent })
const later = (milliseconds: number, answer: unknown) => () =>
  new Promise<unknown>((resolve, reject) => {
    setTimeout(() => (answer instanceof Error ? reject(answer) : resolve(answer)), milliseconds)
  })

const writes: [string, (node: Wire) => Promise<unknown>, unknown][] = [
  ['add', (node) => node.add('key', bytes, 60), true],
  ['replace', (node) => node.replace('key', bytes, 60, cas), 'saved'],
  ['delete', (node) => node.delete('key', cas), 'deleted'],
]

describe('a node', () => {
  test('asks once where there is an answer', async () => {
    const { node, asked } = nodeOver(hit, null, true, 'conflict', 'missing', undefined)
    expect(await node.get('key', 60)).toBe(hit)
    expect(await node.get('key')).toBeNull()
    expect(await node.add('key', bytes, 60)).toBe(true)
    expect(await node.replace('key', bytes, 60, cas)).toBe('conflict')
    expect(await node.delete('key')).toBe('missing')
    await node.check()
    expect(asked).toEqual(['get', 'get', 'add', 'replace', 'delete', 'check'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([
    ['unavailable', true],
    ['unavailable', false],
    ['protocol', true],
  ] as const)('asks a second time for a read after %s, sent %s', async (code, sent) => {
    const { node, asked } = nodeOver(failure(code, sent), hit)
    expect(await node.get('key', 60)).toBe(hit)
    expect(asked).toEqual(['get', 'get'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each(writes)('asks a second time for %s when it was not sent', async (_, call, result) => {
    const { node, asked } = nodeOver(failure('unavailable', false), result)
    expect(await call(node)).toBe(result)
    expect(asked).toHaveLength(2)
  })

  test.each(writes)('never asks a second time for %s that may have been sent', async (_, call) => {
    for (const code of ['unavailable', 'protocol'] as const) {
      const error = failure(code, true)
      const { node, asked } = nodeOver(error, 'never')
      await expect(call(node)).rejects.toBe(error)
      expect(asked).toHaveLength(1)
    }
  })

  test.each(['overloaded', 'auth', 'config', 'too-large'] as const)(
    'asks nothing a second time after %s',
    async (code) => {
      const error = failure(code, false)
      const { node, asked } = nodeOver(error, hit)
      await expect(node.get('key')).rejects.toBe(error)
      expect(asked).toEqual(['get'])
    },
  )

  test('asks at most twice, and tells what it heard last', async () => {
    const last = failure('unavailable', true)
    const { node, asked } = nodeOver(failure('unavailable', false), last, hit)
    await expect(node.add('key', bytes, 60)).rejects.toBe(last)
    expect(asked).toEqual(['add', 'add'])
  })

  test('gives the second try what the first has left of the deadline', async () => {
    const { node, asked } = nodeOver(later(200, failure('unavailable', true)), later(1000, hit))
    const ends: string[] = []
    void node.get('key').catch((error: StoreError) => ends.push(`${error.code} ${error.sent}`))
    await vi.advanceTimersByTimeAsync(200)
    expect(asked).toEqual(['get', 'get'])
    await vi.advanceTimersByTimeAsync(49)
    expect(ends).toEqual([])
    await vi.advanceTimersByTimeAsync(2)
    expect(ends).toEqual(['unavailable true'])
  })

  test('has no second try once the deadline is over', async () => {
    const { node, asked } = nodeOver(later(250, failure('unavailable', true)), hit)
    const call = expect(node.get('key')).rejects.toMatchObject({ code: 'unavailable' })
    await vi.advanceTimersByTimeAsync(250)
    await call
    expect(asked).toEqual(['get'])
  })

  test('lets nobody hear of a second try that fails after the deadline', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const late = later(1000, failure('unavailable', true))
    const { node } = nodeOver(failure('unavailable', true), late)
    const call = expect(node.get('key')).rejects.toThrow('The node did not answer in time')
    await vi.advanceTimersByTimeAsync(2000)
    await call
    vi.useRealTimers()
    await new Promise((resolve) => setTimeout(resolve, 5))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('refuses everything but a check once three commands have failed', async () => {
    const errors = Array.from({ length: 3 }, () => failure('unavailable', true))
    const { node, asked } = nodeOver(...errors, undefined, hit)
    for (const [, call] of writes) await expect(call(node)).rejects.toThrow('No')
    await expect(node.get('key')).rejects.toThrow('did not answer before')
    for (const [, call] of writes) await expect(call(node)).rejects.toThrow('did not answer before')
    expect(asked).toEqual(['add', 'replace', 'delete'])
    await node.check()
    expect(await node.get('key')).toBe(hit)
  })

  test('closes its wire, and leaves no timer', async () => {
    const errors = Array.from({ length: 3 }, () => failure('unavailable', true))
    const { node, closed } = nodeOver(...errors)
    for (const [, call] of writes) await expect(call(node)).rejects.toThrow('No')
    expect(vi.getTimerCount()).toBe(1)
    node.close()
    expect(closed()).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
