import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SessionError } from '../errors.ts'
import { memoryStore } from './memory-store.ts'
import type { MemoryStore, MemoryStoreOptions } from './memory-store.ts'
import { describeStore } from '../../../testing/src/contract/describe-store.ts'

const OVERHEAD = 512
const LATER = 1_000_000
const BYTES = Uint8Array.of(1, 2, 3)

interface Stopped {
  readonly store: MemoryStore
  readonly setTime: (time: number) => void
}

/** A store whose clock stands at 0 until it is moved. */
function stopped(options: MemoryStoreOptions = {}): Stopped {
  let time = 0
  const setTime = (next: number): void => {
    time = next
  }
  return { store: memoryStore({ ...options, now: () => time }), setTime }
}

async function createAll(
  store: MemoryStore,
  ids: readonly string[],
  expiresAt = LATER,
): Promise<void> {
  for (const id of ids) await store.create(id, BYTES, expiresAt)
}

/** Asks in the order given; loading is a use, so ask last. */
async function idsFound(store: MemoryStore, ids: readonly string[]): Promise<string[]> {
  const found = []
  for (const id of ids) if ((await store.load(id)) !== null) found.push(id)
  return found
}

function numbered(length: number): string[] {
  return Array.from({ length }, (_, index) => `id-${index}`)
}

describeStore(
  'memoryStore',
  () => {
    let time = Date.now()
    const advance = (ms: number): void => {
      time += ms
    }
    return { store: memoryStore({ now: () => time }), advance }
  },
  { describe, it },
)

describe('memoryStore options', () => {
  it('names the option, what is allowed and what it got', () => {
    const message = (option: string, least: number, got: number): string => {
      return `memoryStore: ${option} must be a whole number of at least ${least}, got ${got}`
    }
    expect(() => memoryStore({ maxSessions: 0 })).toThrow(
      new SessionError('invalid-option', message('maxSessions', 1, 0)),
    )
    expect(() => memoryStore({ maxSessions: 1.5 })).toThrow(SessionError)
    expect(() => memoryStore({ maxSessions: Number.NaN })).toThrow(SessionError)
    expect(() => memoryStore({ maxBytes: 511 })).toThrow(
      new SessionError('invalid-option', message('maxBytes', 512, 511)),
    )
    expect(() => memoryStore({ maxBytes: Number.POSITIVE_INFINITY })).toThrow(SessionError)
  })

  it('refuses a name that is no option, whose default would apply in silence', () => {
    // @ts-expect-error: it is maxSessions
    expect(() => memoryStore({ maxSession: 5 })).toThrow(
      new SessionError(
        'invalid-option',
        'memoryStore: maxSession is no option: there are maxSessions, maxBytes, now',
      ),
    )
  })

  it('refuses a clock that is not a function', () => {
    // @ts-expect-error: a point in time is not a clock
    expect(() => memoryStore({ now: Date.now() })).toThrow(
      new SessionError(
        'invalid-option',
        'memoryStore: now must be a function that returns milliseconds',
      ),
    )
  })

  it('takes the smallest bounds', async () => {
    const store = memoryStore({ maxSessions: 1, maxBytes: OVERHEAD })
    expect(await store.create('a', new Uint8Array(0), Date.now() + LATER)).toBe(true)
    expect(store.size).toBe(1)
  })

  it('reads the clock of the machine by default, a replaced one too', async () => {
    const store = memoryStore()
    vi.useFakeTimers({ now: 5_000 })
    await store.create('a', BYTES, 6_000)
    expect(await store.load('a')).not.toBeNull()
    vi.setSystemTime(6_000)
    expect(await store.load('a')).toBeNull()
  })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('memoryStore bounds', () => {
  it('holds ten thousand sessions by default', async () => {
    const { store } = stopped()
    await createAll(store, numbered(10_001))
    expect(store.size).toBe(10_000)
    expect(await idsFound(store, ['id-0', 'id-1', 'id-10000'])).toEqual(['id-1', 'id-10000'])
  })

  it('holds 64 MiB by default', async () => {
    const { store } = stopped()
    const mebibyte = new Uint8Array(1024 * 1024 - OVERHEAD)
    for (const id of numbered(65)) await store.create(id, mebibyte, LATER)
    expect(store.size).toBe(64)
    expect(store.bytes).toBe(64 * 1024 * 1024)
  })

  it('forgets the least recently used first: load, create and save are uses', async () => {
    const { store } = stopped({ maxSessions: 4 })
    await createAll(store, ['a', 'b', 'c', 'd'])
    await store.load('a')
    const b = await store.load('b')
    await store.load('d')
    await store.save('b', BYTES, LATER, b?.version ?? 0)
    await store.create('e', BYTES, LATER)
    await store.create('f', BYTES, LATER)
    expect(await idsFound(store, ['a', 'b', 'c', 'd', 'e', 'f'])).toEqual(['b', 'd', 'e', 'f'])
  })

  it('does not take a refused create, save or delete for a use', async () => {
    const { store } = stopped({ maxSessions: 3 })
    await createAll(store, ['a', 'b', 'c'])
    await store.create('a', BYTES, LATER)
    await store.save('a', BYTES, LATER, -1)
    await store.delete('a', -1)
    await store.create('d', BYTES, LATER)
    expect(await idsFound(store, ['a', 'b', 'c', 'd'])).toEqual(['b', 'c', 'd'])
  })

  it('forgets as many as a large record needs, and no more', async () => {
    const { store } = stopped({ maxBytes: 4 * (OVERHEAD + 100) })
    for (const id of ['a', 'b', 'c', 'd']) await store.create(id, new Uint8Array(100), LATER)
    expect(store.size).toBe(4)
    await store.create('e', new Uint8Array(101), LATER)
    expect(store.size).toBe(3)
    expect(await idsFound(store, ['a', 'b', 'c', 'd', 'e'])).toEqual(['c', 'd', 'e'])
  })

  it('makes room for a record that grows, at the cost of others', async () => {
    const { store } = stopped({ maxBytes: 3 * OVERHEAD + 9 })
    await createAll(store, ['a', 'b', 'c'])
    const a = await store.load('a')
    expect(await store.save('a', new Uint8Array(4), LATER, a?.version ?? 0)).toBe('saved')
    expect(await idsFound(store, ['a', 'b', 'c'])).toEqual(['a', 'c'])
    expect(store.bytes).toBe(2 * OVERHEAD + 7)
  })

  it('evicts no record for one that has already expired', async () => {
    const { store, setTime } = stopped({ maxSessions: 1 })
    setTime(1_000)
    await store.create('a', BYTES, LATER)
    expect(await store.create('b', BYTES, 1_000)).toBe(true)
    expect(await idsFound(store, ['a', 'b'])).toEqual(['a'])
  })

  it('refuses a record that alone is larger than maxBytes, and changes nothing', async () => {
    const { store } = stopped({ maxBytes: 1_000 })
    await store.create('a', BYTES, LATER)
    const a = await store.load('a')
    const message =
      'memoryStore: a record of 1001 bytes (512 of them overhead) is larger than ' +
      'maxBytes, which is 1000: raise maxBytes, or keep less in the session'
    const refusal = expect.objectContaining({ name: 'RangeError', message, code: 'too-large' })
    const large = new Uint8Array(489)
    await expect(store.create('a', large, LATER)).rejects.toEqual(refusal)
    await expect(store.create('b', large, LATER)).rejects.toEqual(refusal)
    await expect(store.save('a', large, LATER, a?.version ?? 0)).rejects.toEqual(refusal)
    expect(await store.load('a')).toEqual(a)
    expect(store.size).toBe(1)
    expect(await store.save('a', new Uint8Array(488), LATER, a?.version ?? 0)).toBe('saved')
    expect(store.bytes).toBe(1_000)
  })

  it('copies a Node Buffer, whose slice copies nothing', async () => {
    const { store } = stopped()
    const buffer = Buffer.from([1, 2, 3])
    await store.create('a', buffer, LATER)
    buffer.fill(0)
    expect((await store.load('a'))?.bytes).toEqual(BYTES)
  })
})

describe('memoryStore sweep', () => {
  it('shows a record until the millisecond it expires', async () => {
    const { store, setTime } = stopped()
    await store.create('a', BYTES, 1_000)
    setTime(999)
    expect(await store.load('a')).not.toBeNull()
    setTime(1_000)
    expect(await store.load('a')).toBeNull()
  })

  it('forgets expired records that are never asked for again', async () => {
    const { store, setTime } = stopped()
    await createAll(store, numbered(1_000), 1_000)
    await store.create('alive', BYTES, LATER)
    setTime(1_000)
    for (let operations = 0; operations < 400; operations++) await store.load('alive')
    expect(store.size).toBe(1)
    expect(store.bytes).toBe(OVERHEAD + BYTES.length)
  })

  it('finds expired records scattered among living ones that are all in use', async () => {
    const { store, setTime } = stopped()
    const living = numbered(500)
    for (const id of living) {
      await store.create(id, BYTES, LATER)
      await store.create(`short-${id}`, BYTES, 1_000)
    }
    setTime(1_000)
    for (const id of living) await store.load(id)
    expect(store.size).toBe(500)
    expect(await idsFound(store, living)).toEqual(living)
  })

  it('keeps pace with visitors who come once and never again', async () => {
    const { store, setTime } = stopped({ maxSessions: 1_000_000 })
    let most = 0
    for (let time = 0; time < 20_000; time++) {
      setTime(time)
      await store.create(`visitor-${time}`, BYTES, time + 100)
      most = Math.max(most, store.size)
    }
    expect(most).toBeLessThan(200)
  })

  it('does a bounded piece of work in each operation', async () => {
    const { store, setTime } = stopped()
    await createAll(store, numbered(1_000), 1_000)
    setTime(1_000)
    await store.load('unknown')
    expect(store.size).toBeGreaterThanOrEqual(995)
  })

  it('starts no timer, which would keep the process alive', async () => {
    vi.useFakeTimers()
    const store = memoryStore()
    await store.create('a', BYTES, Date.now() + 1_000)
    await store.load('a', Date.now() + 2_000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

interface Write {
  readonly id: string
  readonly bytes: Uint8Array
  readonly lifetime: number
}

type Command =
  | { readonly do: 'load'; readonly id: string; readonly lifetime: number | undefined }
  | (Write & { readonly do: 'create' })
  | (Write & { readonly do: 'save'; readonly back: number })
  | { readonly do: 'delete'; readonly id: string; readonly back: number | undefined }
  | { readonly do: 'wait'; readonly ms: number }

const id = fc.constantFrom('a', 'b', 'c', 'd')
const bytes = fc.uint8Array({ maxLength: 40 })
const back = fc.nat({ max: 2 })
const wait: fc.Arbitrary<Command> = fc.record({
  do: fc.constant('wait'),
  ms: fc.integer({ min: 1, max: 60 }),
})

/** Commands on four ids; `back` counts versions back from the newest known. */
function commands(
  lifetime: fc.Arbitrary<number>,
  ...others: fc.Arbitrary<Command>[]
): fc.Arbitrary<Command[]> {
  const known = fc.oneof<fc.Arbitrary<Command>[]>(
    fc.record({ do: fc.constant('load'), id, lifetime: fc.option(lifetime, { nil: undefined }) }),
    fc.record({ do: fc.constant('create'), id, lifetime, bytes }),
    fc.record({ do: fc.constant('save'), id, lifetime, bytes, back }),
    fc.record({ do: fc.constant('delete'), id, back: fc.option(back, { nil: undefined }) }),
    ...others,
  )
  return fc.array(known, { maxLength: 60 })
}

interface Bounds {
  readonly maxSessions: number
  readonly maxBytes: number
}

interface ModelRecord {
  readonly id: string
  readonly bytes: readonly number[]
  readonly expiresAt: number
  readonly write: number
}

function costOf(list: readonly ModelRecord[]): number {
  return list.reduce((sum, record) => sum + record.bytes.length + OVERHEAD, 0)
}

interface Model {
  run(command: Command, time: number, writeOf: (back: number) => number): unknown
  records(): readonly ModelRecord[]
}

/** The semantics in the plainest form: a list, least recently used first, filtered every time. */
function modelStore({ maxSessions, maxBytes }: Bounds): Model {
  let list: readonly ModelRecord[] = []
  let writes = 0
  const use = (record: ModelRecord): void => {
    list = [...list.filter((other) => other.id !== record.id), record]
    while (list.length > maxSessions || costOf(list) > maxBytes) list = list.slice(1)
  }
  const write = ({ id, bytes, lifetime }: Write, time: number): void => {
    use({ id, bytes: [...bytes], expiresAt: time + lifetime, write: ++writes })
  }
  return {
    records: () => list,
    run(command, time, writeOf) {
      list = list.filter((record) => record.expiresAt > time)
      if (command.do === 'wait') return undefined
      const found = list.find((record) => record.id === command.id)
      if (command.do === 'load') {
        if (found === undefined) return null
        const { lifetime } = command
        use(lifetime === undefined ? found : { ...found, expiresAt: time + lifetime })
        return { bytes: found.bytes, write: found.write }
      }
      if (command.do === 'create') {
        if (found !== undefined) return false
        write(command, time)
        return true
      }
      if (found === undefined) return 'missing'
      if (command.back !== undefined && found.write !== writeOf(command.back)) return 'conflict'
      if (command.do === 'save') {
        write(command, time)
        return 'saved'
      }
      list = list.filter((record) => record !== found)
      return 'deleted'
    },
  }
}

interface Seen {
  readonly version: number
  readonly write: number
}

/**
 * Runs the commands on a store and on the model, and compares every answer. The model numbers the
 * writes that succeeded; versions are compared through the loads that showed them, for they are
 * opaque.
 */
async function runBoth(
  script: readonly Command[],
  options: Bounds,
): Promise<{
  readonly store: MemoryStore
  readonly expected: readonly ModelRecord[]
}> {
  const { store, setTime } = stopped(options)
  const model = modelStore(options)
  const seen: Seen[] = []
  const versionOfWrite = new Map<number, number>()
  let time = 0
  for (const command of script) {
    const known = (steps: number): Seen => seen.at(-1 - steps) ?? { version: -1, write: -1 }
    if (command.do === 'wait') time += command.ms
    setTime(time)
    const expected = model.run(command, time, (steps) => known(steps).write)
    if (command.do === 'load') {
      const { lifetime } = command
      const expiresAt = lifetime === undefined ? undefined : time + lifetime
      const actual = await store.load(command.id, expiresAt)
      const write = (expected as { write: number } | null)?.write
      expect(actual && { bytes: [...actual.bytes], write }).toEqual(expected)
      if (actual === null || write === undefined) continue
      seen.push({ version: actual.version, write })
      versionOfWrite.set(write, versionOfWrite.get(write) ?? actual.version)
      expect(actual.version).toBe(versionOfWrite.get(write))
      expect(new Set(versionOfWrite.values()).size).toBe(versionOfWrite.size)
    }
    if (command.do === 'create') {
      const { id, bytes, lifetime } = command
      expect(await store.create(id, bytes, time + lifetime)).toBe(expected)
    }
    if (command.do === 'save') {
      const { id, bytes, lifetime, back } = command
      expect(await store.save(id, bytes, time + lifetime, known(back).version)).toBe(expected)
    }
    if (command.do === 'delete') {
      const version = command.back === undefined ? undefined : known(command.back).version
      expect(await store.delete(command.id, version)).toBe(expected)
    }
    const living = model.records().filter((record) => record.expiresAt > time)
    expect(store.size).toBeGreaterThanOrEqual(living.length)
    expect(store.size).toBeLessThanOrEqual(options.maxSessions)
    expect(store.bytes).toBeLessThanOrEqual(options.maxBytes)
  }
  return { store, expected: model.records() }
}

describe('memoryStore against a model', () => {
  it('answers like a plain list when records expire', async () => {
    const lifetime = fc.integer({ min: -5, max: 100 })
    await fc.assert(
      fc.asyncProperty(commands(lifetime, wait), async (script) => {
        await runBoth(script, { maxSessions: 1_000, maxBytes: 1_000_000 })
      }),
      { numRuns: 1_000 },
    )
  })

  it('answers like a plain list when its bounds are passed', async () => {
    await fc.assert(
      fc.asyncProperty(commands(fc.constant(LATER)), async (script) => {
        const bounds = { maxSessions: 3, maxBytes: 3 * OVERHEAD + 50 }
        const { store, expected } = await runBoth(script, bounds)
        expect(store.size).toBe(expected.length)
        expect(store.bytes).toBe(costOf(expected))
      }),
      { numRuns: 1_000 },
    )
  })
})
