import { describeExample, describeExampleInBrowser } from '@coatcheck/harness/example-suite'
import { beforeAll } from 'vitest'
import { exampleOnKit2 } from './app.ts'

const app = exampleOnKit2()

beforeAll(() => app.build())

describeExample('SvelteKit 2', app.start)
describeExampleInBrowser('SvelteKit 2', app.start)
