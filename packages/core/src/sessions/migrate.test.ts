/** A rolling deploy in two steps: no change that was acknowledged is lost, whichever process made it. */
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import type { SessionEvent } from '../events.ts'
import { byKeyWith, sum } from '../rules/resolvers.ts'
import type { MigrateOptions } from '../data/migrate.ts'
import { memoryStore } from '../store/memory-store.ts'
import { createSessions } from './sessions.ts'
import type { Opened } from './open.ts'

type Data = Record<string, unknown>

const merge = { visits: sum, stats: byKeyWith(sum) }

const up = (data: Data): void => {
  const { visits = 0, stats } = data as { visits?: number; stats?: { visits: number } }
  data['stats'] = { visits: visits + (stats?.visits ?? 0) }
  delete data['visits']
}

type Name = 'old' | 'expanded' | 'fresh'

type Versions = Readonly<Record<Name, MigrateOptions | undefined>>

/** The old version, the step between, and the new one. */
const second: Versions = {
  old: { version: 1, up: (data) => data },
  expanded: { version: 1, reads: 2, up: (data) => data },
  fresh: { version: 2, up },
}
/** The old version is code without the option. */
const first: Versions = {
  old: undefined,
  expanded: { version: 0, reads: 1, up: (data) => data },
  fresh: { version: 1, up },
}

/** Counts as this version does: the step between in the shape that it finds. */
function count(name: Name, { data }: Opened<Data>['session']): void {
  const isNew = name === 'fresh' || (name === 'expanded' && 'stats' in data)
  if (!isNew) data['visits'] = ((data['visits'] as number | undefined) ?? 0) + 1
  else {
    const stats = (data['stats'] ??= { visits: 0 }) as { visits: number }
    stats.visits++
  }
}

const move = fc.constantFrom('save' as const, 'renew' as const)
const request = fc.record({
  by: fc.constantFrom<Name>('old', 'expanded', 'fresh'),
  /** After how many other requests it is committed. */
  lasts: fc.integer({ min: 0, max: 3 }),
  asks: fc.oneof({ weight: 4, arbitrary: fc.constant('save' as const) }, move),
})

it.each([
  ['second', second],
  ['first', first],
])('in a deploy of the %s migration no acknowledged change is lost', async (_, versions) => {
  let unavailable = 0
  let saved = 0
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), async (requests) => {
      const store = memoryStore()
      const open = (name: Name) =>
        createSessions<Data>({
          store,
          namespace: 'deploy',
          merge,
          ...(versions[name] && { migrate: versions[name] }),
          onEvent() {},
        })
      const first = await open('old').open(null)
      count('old', first.session)
      const begun = await first.commit()
      let cookie = `${begun.cookie?.name}=${begun.cookie?.value}`
      let acknowledged = 1
      const waiting: { at: number; opened: Opened<Data> }[] = []
      const end = async ({ opened }: (typeof waiting)[number]): Promise<void> => {
        const { outcome, cookie: given } = await opened.commit()
        if (given !== null) cookie = `${given.name}=${given.value}`
        if (outcome === 'saved' || outcome === 'renewed') acknowledged++
        if (outcome === 'unavailable') unavailable++
        else saved++
      }
      for (const [at, { by, lasts, asks }] of requests.entries()) {
        const opened = await open(by).open(cookie)
        if (opened.session.state === 'live') count(by, opened.session)
        if (asks === 'renew') opened.session.renew()
        waiting.push({ at: at + lasts, opened })
        for (const each of waiting.filter((one) => one.at <= at)) await end(each)
        waiting.splice(0, waiting.length, ...waiting.filter((one) => one.at > at))
      }
      for (const each of waiting) await end(each)
      const { session } = await open('fresh').open(cookie)
      expect(session.state).toBe('live')
      expect((session.data['stats'] as { visits: number }).visits).toBe(acknowledged)
    }),
    { numRuns: 300 },
  )
  expect(Math.min(unavailable, saved)).toBeGreaterThan(100)
})

it('the first step of the first migration writes what code without the option reads', async () => {
  const store = memoryStore()
  const [plain, expanded] = [
    createSessions<Data>({ store, namespace: 'deploy' }),
    createSessions<Data>({ store, namespace: 'deploy', migrate: first.expanded! }),
  ]
  const { session, commit } = await expanded.open(null)
  session.data['visits'] = 1
  const { cookie } = await commit()
  const met = await plain.open(`${cookie?.name}=${cookie?.value}`)
  expect({ state: met.session.state, ...met.session.data }).toEqual({ state: 'live', visits: 1 })
})

it.each([
  ['a Promise', async (data: Data): Promise<Data> => ({ ...data, visits: 2 })],
  ['a Map', (): object => new Map([['visits', 2]])],
  ['a number', ((): number => 2) as unknown as () => object],
])('%s that up returns changes nothing, and the session is unavailable', async (_, wrong) => {
  const store = memoryStore()
  const onEvent = vi.fn<(event: SessionEvent) => void>()
  const before = createSessions<Data>({ store, namespace: 'deploy' })
  const begun = await before.open(null)
  begun.session.data['visits'] = 1
  const { cookie } = await begun.commit()
  const header = `${cookie?.name}=${cookie?.value}`
  // JavaScript does not hear that the type refuses a Promise.
  const migrate = { version: 1, up: wrong as () => object }
  const sessions = createSessions<Data>({ store, namespace: 'deploy', migrate, onEvent })
  const { session, commit } = await sessions.open(header)
  expect(session.state).toBe('unavailable')
  session.data['other'] = 1
  expect((await commit()).outcome).toBe('unavailable')
  expect(onEvent.mock.calls[0]?.[0]).toMatchObject({
    type: 'record.unreadable',
    reason: 'migration',
  })
  expect({ ...(await before.open(header)).session.data }).toEqual({ visits: 1 })
})

it.each(['save', 'rotate'])(
  'a page that only looks is unchanged beside another version, though it had a %s to make',
  async (what) => {
    const clock = { now: 1_700_000_000_000 }
    const store = memoryStore({ now: () => clock.now })
    const open = (name: Name, rotate: number) =>
      createSessions<Data>({
        store,
        namespace: 'looks',
        migrate: second[name]!,
        lifetime: { rotate },
        testing: { now: () => clock.now },
      })
    const expanded = open('expanded', 60)
    const first = await expanded.open(null)
    first.session.data['visits'] = 1
    const cookieOf = ({ cookie }: { readonly cookie: { name: string; value: string } | null }) =>
      `${cookie?.name}=${cookie?.value}`
    let cookie = cookieOf(await first.commit())
    clock.now += 61_000
    // The first use of a token that was rotated is saved; a token that is due is rotated.
    if (what === 'save') cookie = cookieOf(await (await expanded.open(cookie)).commit())
    const looks = await expanded.open(cookie)
    const asks = await expanded.open(cookie)
    asks.session.data['visits'] = 2
    const newer = await open('fresh', 600).open(cookie)
    newer.session.data['seen'] = true
    expect((await newer.commit()).outcome).toBe('saved')
    const { outcome, failure } = await looks.commit()
    expect([outcome, failure]).toEqual(['unchanged', null])
    expect((await asks.commit()).outcome).toBe('unavailable')
  },
)
