import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Runtime } from '../src/start/follow-page.ts'
import { followPage } from '../src/start/follow-page.ts'
import { startPages } from '../src/start/start-pages.ts'
import { prepare } from '../src/start/surroundings.ts'

let around: Awaited<ReturnType<typeof prepare>>
beforeAll(async () => void (around = await prepare(false)))
afterAll(() => around.end())

/** npm downloads what it does not have. */
const timeout = 600_000
const runtimes: readonly Runtime[] = ['node', 'bun', 'deno']
const onAll = startPages.filter(({ name }) => name.includes('Bun'))
const onNode = startPages.filter(({ name }) => !name.includes('Bun'))

it.each(onAll.flatMap(({ slug }) => runtimes.map((runtime) => ({ slug, runtime }))))(
  'adoption: $slug, followed on $runtime, signs in and out',
  { timeout },
  async ({ slug, runtime }) => {
    const page = startPages.find((each) => each.slug === slug)!
    expect(await followPage(around, page, runtime)).toEqual([])
  },
)

it.each(onNode)(
  'adoption: $slug, followed in a new application, signs in and out',
  { timeout },
  async (page) => {
    expect(await followPage(around, page)).toEqual([])
  },
)
