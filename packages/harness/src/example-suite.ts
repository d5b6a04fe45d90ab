import { describeHttpRaces } from '@coatcheck/testing'
import { describe, it } from 'vitest'
import { describeApi } from './example-suite-api.ts'
import type { App } from './example-suite-app.ts'
import { useApp, useStoredApp } from './example-suite-app.ts'
import { describeHeaders, describeProduction } from './example-suite-headers.ts'
import { describePage } from './example-suite-page.ts'
import type { StartExample } from './example-suite-process.ts'
import { describeRaces } from './example-suite-races.ts'
import { describeSecrets } from './example-suite-secrets.ts'
import { describeOutage, describeTrips } from './example-suite-store.ts'

export { describeExampleInBrowser, describeRacesInBrowser } from './browser-suite.ts'
export { describeBundle } from './example-suite-secrets.ts'
export { exampleProcess } from './example-suite-process.ts'
export type {
  ExampleCommand,
  ExampleEnv,
  RunningExample,
  StartExample,
} from './example-suite-process.ts'

/**
 * The HTTP suite of the one application that every example builds, on memory and on a real memcached. A
 * black box: it knows of an example how to start it, and nothing else.
 */
export function describeExample(name: string, start: StartExample): void {
  describe(`${name}, on memory`, () => {
    describeApplication(useApp(start, () => ({ EXPLAIN: '1' })))
  })

  describe(`${name}, on memcached`, () => {
    const app = useStoredApp(start, { EXPLAIN: '1' })
    describeApplication(app)
    describeTrips(app)
    // A second is a quarter of it: time enough to have read the session, also on a busy machine.
    describeHttpRaces('the kit of the core', { url: () => app.url, slow: 4000 }, { describe, it })
    describeOutage(app)
  })

  describe(`${name}, in production`, () => {
    const app = useApp(start, () => ({ NODE_ENV: 'production' }))
    describeProduction(app)
  })
}

function describeApplication(app: App): void {
  describeApi(app)
  describeHeaders(app)
  describePage(app)
  describeSecrets(app)
  describeRaces(app)
}
