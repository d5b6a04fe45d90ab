/** A rolling deploy in two steps: no change that was acknowledged is lost, whichever process made it. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { byKeyWith, sum } from '../rules/resolvers.ts'
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

/** Version 1, the step between, and version 2. */
const versions = {
  old: { version: 1, up: (data: Data) => data },
  expanded: { version: 1, reads: 2, up: (data: Data) => data },
  fresh: { version: 2, up },
} as const

type Name = keyof typeof versions

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

it('in a deploy of three versions side by side no acknowledged change is lost', async () => {
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
          migrate: versions[name],
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
    { numRuns: 200 },
  )
  expect(Math.min(unavailable, saved)).toBeGreaterThan(100)
})
