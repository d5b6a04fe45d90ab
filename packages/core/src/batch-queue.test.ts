import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Queue } from './batch-queue.ts'
import type { Settled } from './batch-queue.ts'

interface Batch {
  readonly key: string
  readonly items: readonly string[]
  readonly finish: (ends: readonly Settled<string>[]) => void
  readonly fail: (error: unknown) => void
}

interface Desk {
  readonly batches: Batch[]
  /** Ends what the queue has patience for; one for each time that it began to wait. */
  readonly patience: (() => void)[]
  readonly arrive: (key: string, item: string) => Promise<string>
}

/** An item that begins with `!` is alone. */
function lengthOf(items: readonly string[]): number {
  const next = items.findIndex((item) => item.startsWith('!'))
  return next < 0 ? items.length : Math.max(next, 1)
}

/** Batches that end when a test says so. */
function desk(): Desk {
  const batches: Batch[] = []
  const patience: (() => void)[] = []
  const queue = new Queue<string, string>(
    lengthOf,
    () => new Promise((resolve) => void patience.push(resolve)),
  )
  return {
    batches,
    patience,
    arrive: (key, item) =>
      queue.add(
        key,
        item,
        (items) => new Promise((finish, fail) => void batches.push({ key, items, finish, fail })),
      ),
  }
}

/** Ends a batch with its items in capitals. */
function finish(batch: Batch | undefined): void {
  batch?.finish(batch.items.map((item) => ({ result: item.toUpperCase() })))
}

/** Lets everything happen that waits for nothing outside. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

function itemsOf(batches: readonly Batch[]): readonly string[][] {
  return batches.map(({ items }) => [...items])
}

describe('the queue', () => {
  it('takes all that arrive in one go together, in the order of arrival', async () => {
    const { batches, arrive } = desk()
    const all = Promise.all(['a', 'b', 'c'].map((item) => arrive('k', item)))
    expect(batches).toEqual([])
    await settle()
    expect(itemsOf(batches)).toEqual([['a', 'b', 'c']])
    finish(batches[0])
    expect(await all).toEqual(['A', 'B', 'C'])
  })

  it('S89: takes together what arrived while a batch was under way, however much', async () => {
    const { batches, arrive } = desk()
    const first = arrive('k', 'first')
    await settle()
    const rest: Promise<string>[] = []
    for (let at = 0; at < 50; at++) {
      rest.push(arrive('k', `${at}`))
      await settle()
    }
    expect(batches).toHaveLength(1)
    finish(batches[0])
    expect(await first).toBe('FIRST')
    await settle()
    expect(batches).toHaveLength(2)
    expect(batches[1]?.items).toHaveLength(50)
    finish(batches[1])
    expect(await Promise.all(rest)).toEqual(rest.map((_, at) => `${at}`))
  })

  it('gives an item that is alone a batch to itself, in the order of arrival', async () => {
    const { batches, arrive } = desk()
    const all = Promise.all(['a', 'b', '!c', '!d', 'e', 'f', '!g'].map((item) => arrive('k', item)))
    for (let at = 0; at < 5; at++) {
      await settle()
      expect(batches).toHaveLength(at + 1)
      finish(batches[at])
    }
    expect(itemsOf(batches)).toEqual([['a', 'b'], ['!c'], ['!d'], ['e', 'f'], ['!g']])
    expect(await all).toEqual(['A', 'B', '!C', '!D', 'E', 'F', '!G'])
  })

  it('lets one key wait for no other', async () => {
    const { batches, arrive } = desk()
    const stuck = arrive('stuck', 'a')
    const other = arrive('other', 'b')
    await settle()
    expect(batches.map(({ key }) => key)).toEqual(['stuck', 'other'])
    finish(batches[1])
    expect(await other).toBe('B')
    const next = arrive('other', 'c')
    await settle()
    finish(batches[2])
    expect(await next).toBe('C')
    finish(batches[0])
    expect(await stuck).toBe('A')
  })

  it('goes on beside a batch that never ends, and takes its result when it ends after all', async () => {
    const { batches, patience, arrive } = desk()
    const stuck = arrive('k', 'stuck')
    await settle()
    const later = [arrive('k', 'a'), arrive('k', 'b')]
    await settle()
    expect(itemsOf(batches)).toEqual([['stuck']])
    patience[0]?.()
    await settle()
    expect(itemsOf(batches)).toEqual([['stuck'], ['a', 'b']])
    const last = arrive('k', 'c')
    finish(batches[0])
    expect(await stuck).toBe('STUCK')
    await settle()
    // The run that was left behind begins nothing.
    expect(batches).toHaveLength(2)
    finish(batches[1])
    expect(await Promise.all(later)).toEqual(['A', 'B'])
    await settle()
    finish(batches[2])
    expect(await last).toBe('C')
  })

  it('goes on beside any number of batches that never end', async () => {
    const { batches, patience, arrive } = desk()
    void arrive('k', 'first')
    await settle()
    for (const [at, item] of ['a', '!b', 'c'].entries()) {
      void arrive('k', item)
      await settle()
      patience[at]?.()
      await settle()
    }
    expect(itemsOf(batches)).toEqual([['first'], ['a'], ['!b'], ['c']])
    expect(patience).toHaveLength(3)
  })

  it('waits on where batches end, with one timer for all keys, and none if nothing waits', async () => {
    const { batches, patience, arrive } = desk()
    for (const key of ['x', 'y']) void arrive(key, 'first')
    await settle()
    expect(patience).toHaveLength(0)
    for (const key of ['x', 'y']) void arrive(key, 'second')
    await settle()
    expect(patience).toHaveLength(1)
    finish(batches[0])
    await settle()
    void arrive('x', 'third')
    patience[0]?.()
    await settle()
    const begun = (): string[] => batches.map(({ key, items }) => [key, ...items].join(' '))
    expect(begun()).toEqual(['x first', 'y first', 'x second'])
    expect(patience).toHaveLength(2)
    patience[1]?.()
    await settle()
    expect(begun().slice(3)).toEqual(['x third', 'y second'])
    expect(patience).toHaveLength(2)
  })

  it('fails all of a batch that fails, and none of the next', async () => {
    const { batches, arrive } = desk()
    const broken = Promise.allSettled([arrive('k', 'a'), arrive('k', 'b')])
    await settle()
    const later = arrive('k', 'c')
    const error = new Error('the batch broke')
    batches[0]?.fail(error)
    expect(await broken).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ])
    await settle()
    finish(batches[1])
    expect(await later).toBe('C')
  })

  it('fails a batch that throws before it has begun to wait', async () => {
    let isBroken = true
    const queue = new Queue<number, number>(
      (items) => items.length,
      () => new Promise(() => {}),
    )
    const work = (items: readonly number[]): Promise<readonly Settled<number>[]> => {
      if (isBroken) throw new Error('at once')
      return Promise.resolve(items.map((result) => ({ result })))
    }
    await expect(queue.add('k', 1, work)).rejects.toThrow('at once')
    isBroken = false
    await expect(queue.add('k', 2, work)).resolves.toBe(2)
  })

  it('fails an item that has an error of its own, and no other of its batch', async () => {
    const { batches, arrive } = desk()
    const all = Promise.allSettled(['a', 'b', 'c'].map((item) => arrive('k', item)))
    await settle()
    const error = new Error('too large')
    batches[0]?.finish([{ result: 'A' }, { error }, { result: 'C' }])
    expect(await all).toEqual([
      { status: 'fulfilled', value: 'A' },
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: 'C' },
    ])
  })

  it('fails an item that its batch says nothing of, and goes on', async () => {
    const { batches, arrive } = desk()
    const all = Promise.allSettled(['a', 'b'].map((item) => arrive('k', item)))
    await settle()
    batches[0]?.finish([{ result: 'A' }])
    expect(await all).toEqual([
      { status: 'fulfilled', value: 'A' },
      { status: 'rejected', reason: undefined },
    ])
    const next = arrive('k', 'c')
    await settle()
    batches[1]?.finish([{ result: 'C' }])
    expect(await next).toBe('C')
  })

  it('begins afresh once all is done, for any number of keys', async () => {
    const { batches, arrive } = desk()
    for (let round = 0; round < 3; round++) {
      const both = Promise.all([arrive('k', 'a'), arrive('k', 'b')])
      await settle()
      expect(batches).toHaveLength(round + 1)
      expect(batches[round]?.items).toEqual(['a', 'b'])
      finish(batches[round])
      expect(await both).toEqual(['A', 'B'])
    }
  })

  it('takes what arrives at the very moment that a batch ends', async () => {
    const { batches, arrive } = desk()
    const chain = arrive('k', 'a').then((result) => arrive('k', `${result} then b`))
    await settle()
    finish(batches[0])
    await settle()
    finish(batches[1])
    expect(await chain).toBe('A THEN B')
  })

  it('takes every item once, in order, one batch a key at a time, whatever happens', async () => {
    const key = fc.constantFrom('x', 'y')
    const event = fc.oneof(
      { arbitrary: fc.record({ key, alone: fc.boolean() }), weight: 3 },
      { arbitrary: fc.record({ key, ends: fc.constantFrom('well', 'badly') }), weight: 2 },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
        const { batches, arrive } = desk()
        const arrived: Record<string, string[]> = { x: [], y: [] }
        const results: Promise<PromiseSettledResult<string>[]>[] = []
        const open = new Map<string, Batch>()
        const failed = new Set<string>()
        const end = async (of: string, way: string): Promise<void> => {
          const batch = open.get(of)
          open.delete(of)
          if (way === 'badly') batch?.items.forEach((item) => failed.add(item))
          if (way === 'badly') batch?.fail('badly')
          else finish(batch)
          await look()
        }
        let seen = 0
        const look = async (): Promise<void> => {
          await settle()
          for (const batch of batches.slice(seen)) {
            expect(open.has(batch.key)).toBe(false)
            open.set(batch.key, batch)
          }
          seen = batches.length
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
          expect(itemsOf(batches.filter((batch) => batch.key === of)).flat()).toEqual(items)
        }
        for (const { items } of batches) {
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
