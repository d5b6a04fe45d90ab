import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTurns } from './queue.ts'

interface Turn {
  readonly key: string
  readonly items: readonly string[]
  readonly finish: (results: readonly string[]) => void
  readonly fail: (error: unknown) => void
}

interface Desk {
  readonly turns: Turn[]
  readonly arrive: (key: string, item: string) => Promise<string>
}

/** Turns that end when a test says so. An item that begins with `!` wants to be alone. */
function desk(): Desk {
  const turns: Turn[] = []
  const arrive = createTurns<string, string>(
    (item) => item.startsWith('!'),
    (key, items) => {
      return new Promise((finish, fail) => {
        turns.push({ key, items, finish, fail })
      })
    },
  )
  return { turns, arrive }
}

/** Ends a turn with its items in capitals. */
function finish(turn: Turn | undefined): void {
  turn?.finish(turn.items.map((item) => item.toUpperCase()))
}

/** Lets everything happen that waits for nothing outside. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

function itemsOf(turns: readonly Turn[]): readonly string[][] {
  return turns.map(({ items }) => [...items])
}

describe('turns', () => {
  it('takes all that arrive in one go together, in the order of arrival', async () => {
    const { turns, arrive } = desk()
    const all = Promise.all(['a', 'b', 'c'].map((item) => arrive('k', item)))
    expect(turns).toEqual([])
    await settle()
    expect(itemsOf(turns)).toEqual([['a', 'b', 'c']])
    finish(turns[0])
    expect(await all).toEqual(['A', 'B', 'C'])
  })

  it('S89: takes together what arrived while a turn was under way, however much', async () => {
    const { turns, arrive } = desk()
    const first = arrive('k', 'first')
    await settle()
    const rest: Promise<string>[] = []
    for (let at = 0; at < 50; at++) {
      rest.push(arrive('k', `${at}`))
      await settle()
    }
    expect(turns).toHaveLength(1)
    finish(turns[0])
    expect(await first).toBe('FIRST')
    await settle()
    expect(turns).toHaveLength(2)
    expect(turns[1]?.items).toHaveLength(50)
    finish(turns[1])
    expect(await Promise.all(rest)).toEqual(rest.map((_, at) => `${at}`))
  })

  it('gives an item that wants to be alone a turn to itself, in the order of arrival', async () => {
    const { turns, arrive } = desk()
    const all = Promise.all(['a', 'b', '!c', '!d', 'e', 'f', '!g'].map((item) => arrive('k', item)))
    for (let at = 0; at < 5; at++) {
      await settle()
      expect(turns).toHaveLength(at + 1)
      finish(turns[at])
    }
    expect(itemsOf(turns)).toEqual([['a', 'b'], ['!c'], ['!d'], ['e', 'f'], ['!g']])
    expect(await all).toEqual(['A', 'B', '!C', '!D', 'E', 'F', '!G'])
  })

  it('lets one key wait for no other', async () => {
    const { turns, arrive } = desk()
    const stuck = arrive('stuck', 'a')
    const other = arrive('other', 'b')
    await settle()
    expect(turns.map(({ key }) => key)).toEqual(['stuck', 'other'])
    finish(turns[1])
    expect(await other).toBe('B')
    const next = arrive('other', 'c')
    await settle()
    finish(turns[2])
    expect(await next).toBe('C')
    finish(turns[0])
    expect(await stuck).toBe('A')
  })

  it('fails all of a turn that fails, and none of the next', async () => {
    const { turns, arrive } = desk()
    const broken = Promise.allSettled([arrive('k', 'a'), arrive('k', 'b')])
    await settle()
    const later = arrive('k', 'c')
    const error = new Error('the turn broke')
    turns[0]?.fail(error)
    expect(await broken).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ])
    await settle()
    finish(turns[1])
    expect(await later).toBe('C')
  })

  it('fails a turn that throws before it has begun to wait', async () => {
    let broken = true
    const arrive = createTurns<number, number>(
      () => false,
      (_key, items) => {
        if (broken) throw new Error('at once')
        return Promise.resolve(items)
      },
    )
    await expect(arrive('k', 1)).rejects.toThrow('at once')
    broken = false
    await expect(arrive('k', 2)).resolves.toBe(2)
  })

  it('begins afresh once all is done, for any number of keys', async () => {
    const { turns, arrive } = desk()
    for (let round = 0; round < 3; round++) {
      const both = Promise.all([arrive('k', 'a'), arrive('k', 'b')])
      await settle()
      expect(turns).toHaveLength(round + 1)
      expect(turns[round]?.items).toEqual(['a', 'b'])
      finish(turns[round])
      expect(await both).toEqual(['A', 'B'])
    }
  })

  it('takes what arrives at the very moment that a turn ends', async () => {
    const { turns, arrive } = desk()
    const chain = arrive('k', 'a').then((result) => arrive('k', `${result} then b`))
    await settle()
    finish(turns[0])
    await settle()
    finish(turns[1])
    expect(await chain).toBe('A THEN B')
  })

  it('takes every item once, in order, one turn a key at a time, whatever happens', async () => {
    const key = fc.constantFrom('x', 'y')
    const event = fc.oneof(
      { arbitrary: fc.record({ key, alone: fc.boolean() }), weight: 3 },
      { arbitrary: fc.record({ key, ends: fc.constantFrom('well', 'badly') }), weight: 2 },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
        const { turns, arrive } = desk()
        const arrived: Record<string, string[]> = { x: [], y: [] }
        const results: Promise<PromiseSettledResult<string>[]>[] = []
        const open = new Map<string, Turn>()
        const failed = new Set<string>()
        const end = async (of: string, way: string): Promise<void> => {
          const turn = open.get(of)
          open.delete(of)
          if (way === 'badly') turn?.items.forEach((item) => failed.add(item))
          if (way === 'badly') turn?.fail('badly')
          else finish(turn)
          await look()
        }
        let seen = 0
        const look = async (): Promise<void> => {
          await settle()
          for (const turn of turns.slice(seen)) {
            expect(open.has(turn.key)).toBe(false)
            open.set(turn.key, turn)
          }
          seen = turns.length
        }
        for (const [at, { key: of, ...rest }] of events.entries()) {
          if ('ends' in rest) {
            await end(of, rest.ends)
            continue
          }
          const item = `${rest.alone ? '!' : ''}item ${at}`
          arrived[of]?.push(item)
          results.push(Promise.allSettled([arrive(of, item)]))
          if (at % 3 === 0) await look()
        }
        await look()
        for (let [of] = open.keys(); of !== undefined; [of] = open.keys()) await end(of, 'well')
        for (const [of, items] of Object.entries(arrived)) {
          expect(itemsOf(turns.filter((turn) => turn.key === of)).flat()).toEqual(items)
        }
        for (const { items } of turns) {
          expect(items.length === 1 || items.every((item) => !item.startsWith('!'))).toBe(true)
        }
        const outcomes = (await Promise.all(results)).flat()
        const rejected = outcomes.filter(({ status }) => status === 'rejected')
        expect(rejected).toHaveLength(failed.size)
        expect(outcomes).toHaveLength(arrived['x']!.length + arrived['y']!.length)
      }),
      { numRuns: 200 },
    )
  })
})
