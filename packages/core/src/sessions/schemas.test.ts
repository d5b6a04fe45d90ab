/** Sessions with a schema and resolvers, without other requests: what is stored is what the handler left. */
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { StandardSchema } from '../data/schema.ts'
import type { Outcome } from '../rules/next-step.ts'
import { byKey, sum, union } from '../rules/resolvers.ts'
import { memoryStore } from '../store/memory-store.ts'
import { createSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'

type Values = Record<string, unknown>

/** What a schema does with a value; idempotent, as the documentation asks for. */
type Make = (given: Values) => Values

const defaults = (): Values => ({ n: 100, list: ['default'], map: { of: 'default' } })

const kinds: Readonly<Record<string, Make>> = {
  'passes everything': (given) => given,
  'gives defaults': (given) => ({ ...defaults(), ...given }),
  'gives fresh defaults that it shares': ((shared) => (given: Values) => ({ ...shared, ...given }))(
    defaults(),
  ),
  'drops what it does not know': ({ n = 100, list = ['default'], map = {}, text }) => ({
    n,
    list,
    map,
    ...(text === undefined ? {} : { text }),
  }),
  'carries an old shape over, and the new one wins': ({ oldN, oldList, ...given }) => ({
    ...(oldN === undefined ? {} : { n: oldN }),
    ...(oldList === undefined ? {} : { list: oldList }),
    ...given,
  }),
  'carries an old shape over, and the old one wins': ({ oldN, oldList, ...given }) => ({
    ...given,
    ...(oldN === undefined ? {} : { n: oldN }),
    ...(oldList === undefined ? {} : { list: oldList }),
  }),
  'gives keys in another order': (given) =>
    Object.fromEntries(Object.entries({ ...defaults(), ...given }).toReversed()),
}

function schemaOf(make: Make, isAsync: boolean): StandardSchema<unknown, Values> {
  const validate = (given: unknown): { value: Values } => ({ value: make(given as Values) })
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (given) =>
        isAsync ? Promise.resolve().then(() => validate(given)) : validate(given),
    },
  }
}

const keys = ['n', 'list', 'map', 'text'] as const

/** What a handler does to one key. */
const edit = fc.oneof(
  fc.record({ do: fc.constant('add' as const), by: fc.integer({ min: -5, max: 5 }) }),
  fc.record({ do: fc.constant('push' as const), item: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ do: fc.constant('drop' as const), item: fc.constantFrom('a', 'default') }),
  fc.record({ do: fc.constant('put' as const), key: fc.constantFrom('x', 'of'), value: fc.nat(3) }),
  fc.record({ do: fc.constant('write' as const), text: fc.string({ maxLength: 3 }) }),
  fc.record({ do: fc.constant('delete' as const), key: fc.constantFrom(...keys) }),
)
type Edit = typeof edit extends fc.Arbitrary<infer of> ? of : never

function apply(data: Values, { ...made }: Edit): void {
  switch (made.do) {
    case 'add':
      data['n'] = ((data['n'] as number | undefined) ?? 0) + made.by
      break
    case 'push':
      ;((data['list'] ??= []) as string[]).push(made.item)
      break
    case 'drop':
      data['list'] = ((data['list'] ?? []) as string[]).filter((item) => item !== made.item)
      break
    case 'put':
      ;((data['map'] ??= {}) as Values)[made.key] = made.value
      break
    case 'write':
      data['text'] = made.text
      break
    case 'delete':
      Reflect.deleteProperty(data, made.key)
  }
}

const request = fc.record({
  edits: fc.array(edit, { maxLength: 4 }),
  way: fc.constantFrom('save' as const, 'renew' as const, 'signIn' as const, 'rotate' as const),
})

/** What a former version of the app has stored. */
const former = fc.option(
  fc.record(
    {
      n: fc.integer({ min: 0, max: 9 }),
      list: fc.uniqueArray(fc.constantFrom('a', 'b', 'z')),
      oldN: fc.integer({ min: 10, max: 19 }),
      oldList: fc.uniqueArray(fc.constantFrom('y', 'z')),
      other: fc.constant('not known'),
    },
    { requiredKeys: [] },
  ),
)

const copyOf = (data: Values): Values => structuredClone({ ...data })

/** Commits, and gives the outcome and the cookie that the browser has then. */
async function commit(
  opened: Awaited<ReturnType<Sessions<object>['open']>>,
  before: string,
): Promise<{ readonly outcome: Outcome; readonly cookie: string }> {
  const { outcome, failure, cookie } = await opened.commit()
  expect(failure).toBeNull()
  return { outcome, cookie: cookie === null ? before : `${cookie.name}=${cookie.value}` }
}

describe.each(Object.entries(kinds))('a schema that %s', (_kind, make) => {
  it.each([false, true])(
    'D1, rule 13: what is stored is what the handler left, and the next one sees what the schema makes of that (async: %s)',
    async (isAsync) => {
      await fc.assert(
        fc.asyncProperty(former, fc.array(request, { maxLength: 5 }), async (before, requests) => {
          const clock = { now: 1_700_000_000_000 }
          const store = memoryStore({ now: () => clock.now })
          const options = {
            store,
            lifetime: { rotate: 3600, idle: 86_400, unused: 86_400 },
            testing: { now: () => clock.now },
          }
          const plain = createSessions<Values>(options)
          const sessions = createSessions<StandardSchema<unknown, Values>>({
            ...options,
            schema: schemaOf(make, isAsync),
            merge: { n: sum, list: union, map: byKey },
            onEvent: () => {},
          })
          let cookie = ''
          if (before !== null) {
            const first = await plain.open(null)
            Object.assign(first.session.data, before)
            ;({ cookie } = await commit(first, cookie))
          }
          let left: Values | null = null
          for (const { edits, way } of requests) {
            if (way === 'rotate') clock.now += 3_600_000
            const opened = await sessions.open(cookie)
            const data = opened.session.data as Values
            if (left !== null) expect(copyOf(data)).toEqual(make(left))
            for (const each of edits) apply(data, each)
            if (way === 'signIn') opened.session.signIn('ada')
            if (way === 'renew') opened.session.renew()
            const now = copyOf(data)
            const committed = await commit(opened, cookie)
            ;({ cookie } = committed)
            // A new visitor without a change gets no session, and begins anew.
            left = cookie === '' ? null : now
            if (committed.outcome === 'unchanged') continue
            const stored = { ...(await plain.open(cookie, { touch: false })).session.data }
            for (const key of Object.keys(before ?? {}))
              if (!(key in now)) Reflect.deleteProperty(stored, key)
            expect(stored).toEqual(now)
          }
        }),
        { numRuns: 300 },
      )
    },
  )
})

describe('a schema that takes its time', () => {
  function setUp(during: (data: Values, asked: number) => void = () => {}) {
    let held: Values | null = null
    let asked = 0
    const schema: StandardSchema<unknown, Values> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        async validate(given) {
          const { n = 0 } = given as { n?: number }
          if (held !== null) during(held, ++asked)
          await Promise.resolve()
          return n > 9 ? { issues: [{ message: 'too much', path: ['n'] }] } : { value: { n } }
        },
      },
    }
    const sessions = createSessions({ store: memoryStore(), schema, onEvent: () => {} })
    return {
      sessions,
      async open() {
        const opened = await sessions.open(null)
        held = opened.session.data
        return { ...opened, data: opened.session.data }
      },
    }
  }

  it('D2: is asked as well about what is changed while it is asked', async () => {
    const { sessions, open } = setUp()
    const { data, commit: save } = await open()
    data['n'] = 1
    const saving = save()
    data['n'] = 10
    await expect(saving).rejects.toMatchObject({ code: 'invalid-value' })
    data['n'] = 2
    const again = save()
    data['n'] = 3
    const { outcome, cookie } = await again
    expect(outcome).toBe('created')
    const { session } = await sessions.open(`${cookie?.name}=${cookie?.value}`)
    expect(session.data).toEqual({ n: 3 })
    expect(() => void (data['n'] = 4)).toThrow(expect.objectContaining({ code: 'committed' }))
  })

  it('D2: is not asked without end by data that change all the time', async () => {
    let asked = 0
    const { open } = setUp((data, times) => {
      asked = times
      data['n'] = times / 1000
    })
    const { data, commit: save } = await open()
    data['n'] = 1
    await expect(save()).rejects.toMatchObject({ code: 'invalid-value' })
    expect(asked).toBeLessThan(20)
  })
})

it('rule 6: a schema that never answers about one commit holds up the others for a while, not for good', async () => {
  vi.useFakeTimers()
  try {
    const schema = schemaOf((given) => given, true)
    const { validate } = schema['~standard']
    let asked = 0
    const stuck: typeof validate = (given) => {
      const isMerged = 'slow' in (given as Values) && ++asked === 2
      return isMerged ? new Promise(() => {}) : validate(given)
    }
    const sessions = createSessions<StandardSchema<unknown, Values>>({
      store: memoryStore(),
      schema: { '~standard': { ...schema['~standard'], validate: stuck } },
    })
    const first = await sessions.open('')
    first.session.data['n'] = 1
    const { cookie } = await commit(first, '')
    const [slow, writer, next] = await Promise.all([1, 2, 3].map(() => sessions.open(cookie)))
    writer!.session.data['n'] = 2
    await commit(writer!, cookie)
    slow!.session.data['slow'] = true
    void slow!.commit()
    await vi.advanceTimersByTimeAsync(100)
    expect(asked).toBe(2)
    next!.session.data['text'] = 'next'
    const done = commit(next!, cookie)
    await vi.advanceTimersByTimeAsync(10_000)
    expect((await done).outcome).toBe('saved')
  } finally {
    vi.useRealTimers()
  }
})
