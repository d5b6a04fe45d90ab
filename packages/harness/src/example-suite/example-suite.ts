import { describeHttpRaces } from '@coatcheck/testing'
import { describe, it } from 'vitest'
import { describeApi } from './api.ts'
import type { App, StoredApp } from './app.ts'
import { useApp, useStoredApp } from './app.ts'
import { describeCommands } from './commands.ts'
import { describeHeaders, describeProduction } from './headers.ts'
import { describePage } from './page.ts'
import type { StartExample } from './process.ts'
import { describeRaces } from './races.ts'
import { onMemcached, onValkey } from './session-server.ts'
import { describeToken } from './token.ts'
import { describeOutage } from './outage.ts'

export { describeExampleInBrowser, describeRacesInBrowser } from './browser.ts'
export { describeBundle } from './bundle.ts'
export { exampleProcess } from './process.ts'
export type { ExampleCommand, ExampleEnv, RunningExample, StartExample } from './process.ts'

/**
 * The HTTP suite of the application that every example implements, on memory and on memcached. A black-box test that
 * only knows how to start an example.
 */
export function describeExample(name: string, start: StartExample): void {
  describe(`${name}, on memory`, () => {
    describeApplication(useApp(start, () => ({ EXPLAIN: '1' })))
  })

  describe(`${name}, on memcached`, () => {
    describeStoredApplication(useStoredApp(start, { EXPLAIN: '1' }, onMemcached))
  })

  describe(`${name}, in production`, () => {
    const app = useApp(start, () => ({ NODE_ENV: 'production' }))
    describeProduction(app)
  })
}

/** The part of the suite that needs a server, on Valkey or Redis. */
export function describeExampleOnValkey(name: string, start: StartExample): void {
  describe(`${name}, on Valkey`, () => {
    describeStoredApplication(useStoredApp(start, { EXPLAIN: '1' }, onValkey))
  })
}

function describeStoredApplication(app: StoredApp): void {
  describeApplication(app)
  describeCommands(app)
  // A quarter of it, one second, is enough to read the session, also on a busy machine. The races run concurrently.
  const runner = { describe, it: it.concurrent }
  describeHttpRaces('the example', { url: () => app.url, slow: 4000 }, runner)
  describeOutage(app)
}

function describeApplication(app: App): void {
  describeApi(app)
  describeHeaders(app)
  describePage(app)
  describeToken(app)
  describeRaces(app)
}
