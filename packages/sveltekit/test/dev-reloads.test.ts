import type { Development } from '../../examples/react-router/test/describe-reloads.ts'
import { describeReloads } from '../../examples/react-router/test/describe-reloads.ts'
import type { KitApp } from './app.ts'
import { exampleOnKit2, exampleOnKit3 } from './app.ts'

describeReloads('SvelteKit 3', () => development(exampleOnKit3()))
// In a folder of its own: the example on SvelteKit 2 is built by another test.
describeReloads('SvelteKit 2', () => development(exampleOnKit2('reloads')))

function development({ develop, file }: KitApp): Development {
  const sessionsFile = file('src/lib/server/sessions.ts')
  return { start: develop, sessionsFile, edited: [sessionsFile] }
}
