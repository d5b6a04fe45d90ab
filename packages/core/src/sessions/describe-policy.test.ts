import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { lifetimes } from '../settings/lifetime-presets.ts'
import { memoryStore } from '../store/memory-store.ts'
import { createSessions } from './sessions.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const store = memoryStore()
const secret = 'a secret of thirty-two bytes, or so'

/** The rows of the README whose first cell is a name that begins like this, all cells but the last. */
function rowsOf(...starts: readonly string[]): readonly (readonly string[])[] {
  const [, section = ''] = readme.split('## Limits and timeouts')
  const [tables = ''] = section.split('\n## ')
  const cells = tables.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -2)
      .map((cell) => cell.trim()),
  )
  return cells.filter(([name = '']) => starts.some((start) => name.startsWith(`\`${start}.`)))
}

const seconds = (value: unknown): string =>
  typeof value === 'number' ? `${value.toLocaleString('en')} s` : 'none'

describe('describePolicy', () => {
  it('S1, S42: says what holds by default, and the README says the same', () => {
    const { lifetime, limits } = createSessions({ store }).describePolicy()
    const { duration, ...counts } = limits
    const times = { ...lifetime, duration }
    const expected = new Map<string, string>()
    for (const [name, value] of Object.entries(times)) {
      expected.set(name === 'duration' ? 'limits.duration' : `lifetime.${name}`, seconds(value))
    }
    for (const [name, value] of Object.entries(counts)) {
      expected.set(`limits.${name}`, value.toLocaleString('en'))
    }
    expect(
      new Map(
        rowsOf('lifetime', 'limits').map(([name = '', value = '']) => [name.slice(1, -1), value]),
      ),
    ).toEqual(expected)
  })

  it('S1: the README has the lifetimes of the standards as they are', () => {
    const expected = Object.entries(lifetimes).map(([name, { idle, absolute }]) => [
      `\`lifetimes.${name}\``,
      seconds(idle),
      seconds(absolute),
    ])
    expect(rowsOf('lifetimes')).toEqual(expected)
  })

  it('S1, S42: says what was asked for, and no secret', () => {
    const policy = createSessions({
      store: { ...store, inProcess: false },
      secrets: [secret],
      namespace: 'shop',
      unavailable: 'throw',
      lifetime: { ...lifetimes.aal3, rotate: 60 },
      cookie: { domain: 'shop.example', persistent: true },
      maxBytes: 1000,
      sessionsPerSubject: 3,
    }).describePolicy()
    expect(policy).toMatchObject({
      lifetime: { idle: 900, absolute: 43_200, rotate: 60 },
      cookie: {
        name: '__Secure-sid',
        domain: 'shop.example',
        secure: true,
        httpOnly: true,
        persistent: true,
      },
      sealedBy: 'token and secret',
      namespace: 'shop',
      unavailable: 'throw',
      limits: { maxBytes: 1000, sessionsPerSubject: 3 },
    })
    expect(JSON.stringify(policy)).not.toContain(secret)
  })

  it('S42: says what seals', () => {
    const outside = { ...store, inProcess: false }
    const sealedBy = (options: object): unknown =>
      createSessions({ store: outside, ...options }).describePolicy().sealedBy
    expect([
      sealedBy({ store }),
      sealedBy({}),
      sealedBy({ secrets: 'none' }),
      sealedBy({ secrets: [secret] }),
    ]).toEqual([null, 'token', 'token', 'token and secret'])
  })
})
