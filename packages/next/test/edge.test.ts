import { expect, it } from 'vitest'
import { copyApp, tryBuild } from './apps.ts'

/** There is no TCP: it would build, and then answer 500 to everything. */
it('refuses to be built for the Edge runtime by Next.js 16, and says what to do', async () => {
  const { failed, said } = await tryBuild(copyApp('fixtures/edge', 16))
  expect(failed).toBe(true)
  expect(said).toMatch(/needs the Node\.js runtime.+rename middleware\.ts to proxy\.ts/)
}, 300_000)

it('refuses to be built for the Edge runtime by Next.js 15, and says what to do', async () => {
  const { failed, said } = await tryBuild(copyApp('fixtures/edge', 15))
  expect(failed).toBe(true)
  expect(said).toMatch(/needs the Node\.js runtime.+runtime: "nodejs"/)
}, 300_000)
