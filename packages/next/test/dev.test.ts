import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { copyApp, logOf, starter } from './apps.ts'
import { describeWrites } from './describe-writes.ts'
import { usePlaces } from './places.ts'

describe.each([16, 15] as const)('next dev of Next.js %i', (version) => {
  const app = copyApp('fixtures/places', version, 'dev')
  const places = usePlaces(() => starter(app, 'dev'))
  const file = join(app.folder, 'lib/sessions.ts')

  /** Runs the proxy, the App Router and the Pages Router, each of which compiles the file for itself. */
  async function visit(): Promise<readonly unknown[]> {
    const paths = ['/read/page', '/props']
    const answers = await Promise.all(paths.map((path) => places.visitor().get(path)))
    const posted = await places.visitor().post('/routes/unwrapped')
    return [...answers, posted].map(({ status }) => status)
  }

  const warnings = (): number =>
    logOf(app).split('the function given to createNextSessions has changed').length - 1

  describeWrites(places)

  it('F10: says nothing when each part of the app first runs the file', async () => {
    expect(await visit()).toEqual([200, 200, 200])
    expect(warnings()).toBe(0)
  })

  it('F10: says once that the sessions of before are kept, and keeps them', async () => {
    const source = readFileSync(file, 'utf8')
    writeFileSync(file, source.replace('testing: {', 'maxBytes: 1000,\n    testing: {'))
    await expect
      .poll(
        async () => {
          await visit()
          return warnings()
        },
        { timeout: 150_000 },
      )
      .toBe(1)
    await visit()
    expect(warnings()).toBe(1)
  })
})
