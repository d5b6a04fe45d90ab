import { beforeAll, describe } from 'vitest'
import type { App, Version } from './apps.ts'
import { build, copyApp, starter } from './apps.ts'
import { describeActions } from './describe-actions.ts'
import { describeBrowser } from './describe-browser.ts'
import { describeComponents } from './describe-components.ts'
import { describeFailures } from './describe-failures.ts'
import { describeHeads } from './describe-heads.ts'
import { describePages } from './describe-pages.ts'
import { describePrefetches } from './describe-prefetches.ts'
import { describeProcesses } from './describe-processes.ts'
import { describeProxy } from './describe-proxy.ts'
import { describeRoutes } from './describe-routes.ts'
import { describeTricks } from './describe-tricks.ts'
import { describeWrites } from './describe-writes.ts'
import { usePlaces } from './places.ts'

/** Every place where Next.js runs code, on a real memcached. */
export function describePlaces(version: Version): void {
  describe(`every place of Next.js ${version}`, () => {
    const app: App = copyApp('fixtures/places', version)
    beforeAll(() => build(app), 300_000)
    const places = usePlaces(() => starter(app))
    describeComponents(places)
    describeProxy(places)
    describeTricks(places, () => app.folder)
    describeRoutes(places)
    describeActions(places)
    describePages(places, () => app.folder)
    describeHeads(places)
    describePrefetches(places, () => app.folder)
    describeProcesses(places, app)
    describeFailures(places)
    describeWrites(places)
    describeBrowser(places)
  })
}
